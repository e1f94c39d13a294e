import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { AlarmName } from './alarm-names.ts';
import type { SettingsInput } from './settings.ts';

/** An existing server. Every prop that is omitted is taken from the registry. */
interface ExistingPool {
  readonly kind: 'existing';
  readonly host?: string;
  readonly port?: number;
  /** JSON with `username` and `password`, and optionally `host` and `port`, as RDS writes it; or just the password. */
  readonly secret?: ISecret;
  /**
   * The server's security group. Traffic is allowed in it and in the function's security group. Default: traffic to the
   * server's port is allowed in the function's security group only.
   */
  readonly securityGroup?: ISecurityGroup;
}

export interface ExistingRedisPool extends ExistingPool {
  /** Default: as in the registry. */
  readonly tls?: boolean;
  /** Set this if the server's `maxmemory-policy` is `noeviction`. Default: false, which causes a warning at synth. */
  readonly isNoeviction?: boolean;
}

export interface ExistingMysqlPool extends ExistingPool {
  /** Default: as in the registry. RDS and RDS Proxy are verified against the RDS certificate authority. */
  readonly tls?: 'verify' | 'skip-verify' | 'preferred';
  /** Number of connections that the server has available for the consumer. Default: not checked. */
  readonly maxConnections?: number;
}

interface CreatedPool {
  readonly kind: 'created';
  /** Security groups that may also connect to the server, such as the application's. Default: only the consumer. */
  readonly clients?: readonly ISecurityGroup[];
}

/** An ElastiCache replication group that is encrypted, requires a password, and never evicts entries. */
export interface CreatedRedisPool extends CreatedPool {
  /** Default: valkey. */
  readonly engine?: 'valkey' | 'redis';
  /** Default: cache.t4g.micro. */
  readonly nodeType?: string;
  /** 0 to 5, spread across the availability zones. Default: 0. */
  readonly replicas?: number;
}

/** RDS MySQL or Aurora Serverless v2: encrypted, backed up, and reachable only over TLS. */
export interface CreatedMysqlPool extends CreatedPool {
  /** Default: mysql. */
  readonly engine?: 'mysql' | 'aurora';
  /** RDS MySQL only. Default: t4g.micro. */
  readonly instanceType?: string;
  /** RDS MySQL only, in GiB. Default: 20. */
  readonly storageGb?: number;
  /** Aurora only, in Aurora capacity units. Default: 0.5. */
  readonly minCapacity?: number;
  /** Aurora only, in Aurora capacity units. Default: 4. */
  readonly maxCapacity?: number;
  /** Number of connections that the server has available for the consumer. Default: 60. */
  readonly maxConnections?: number;
}

export type RedisPoolProps = ExistingRedisPool | CreatedRedisPool;
export type MysqlPoolProps = ExistingMysqlPool | CreatedMysqlPool;

export interface BackgroundConsumerProps extends SettingsInput {
  /**
   * Path of the application's BeeORM registry. It is split at synth: the poller gets the Redis part, the executor gets
   * the MySQL part, and neither contains a password. A password in the registry is rejected if the pool has no secret.
   */
  readonly registry: string;
  /** The name under which metrics and logs are published. Default: the stack name and the ID of this construct. */
  readonly serviceName?: string;
  /** Redis pools by their code in the registry. Default for each: an existing server, as in the registry. */
  readonly redisPools?: Readonly<Record<string, RedisPoolProps>>;
  /** MySQL pools by their code in the registry. Default for each: an existing server, as in the registry. */
  readonly mysqlPools?: Readonly<Record<string, MysqlPoolProps>>;
  /** Path of a YAML file that binds own streams to functions: see docs/own-streams.md. Default: no bindings. */
  readonly bindings?: string;
  /** Path of a YAML file that defines the search indexes: see docs/search.md. Default: they are derived. */
  readonly searchMapping?: string;
  /** Default: a new VPC with isolated subnets in two availability zones. */
  readonly vpc?: IVpc;
  /** Subnets of the given VPC. Default: its private subnets with egress or, if it has none, its isolated subnets. */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Create interface endpoints for Lambda and Secrets Manager. Default: true in a new VPC, false in a given
   * one, where a second endpoint with private DNS would fail.
   */
  readonly endpoints?: boolean;
  /** Notified when an alarm fires and when it recovers. Default: no notifications. */
  readonly alarmTopic?: ITopic;
  /** Alarms to leave out, each with the reason. */
  readonly declinedAlarms?: Partial<Readonly<Record<AlarmName, string>>>;
}
