import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { AlarmName } from './alarm-names.ts';
import type { SettingsInput } from './settings.ts';

/** A server that is there. What is left out is taken from the registry. */
interface ExistingPool {
  readonly kind: 'existing';
  readonly host?: string;
  readonly port?: number;
  /** JSON with `username` and `password`, perhaps `host` and `port`, as RDS writes it; or the password alone. */
  readonly secret?: ISecret;
  /** Of the server: opened for the function, and the function for it. Default: the function is opened for its port. */
  readonly securityGroup?: ISecurityGroup;
}

export interface ExistingRedisPool extends ExistingPool {
  /** Default: as the registry says. */
  readonly tls?: boolean;
  /** State that the server's `maxmemory-policy` is `noeviction`; else a warning asks for it. */
  readonly isNoeviction?: boolean;
}

export interface ExistingMysqlPool extends ExistingPool {
  /** Default: as the registry says. RDS and RDS Proxy are verified with RDS's own authority. */
  readonly tls?: 'verify' | 'skip-verify' | 'preferred';
  /** How many connections the server leaves to the consumer. Default: not checked. */
  readonly maxConnections?: number;
}

interface CreatedPool {
  readonly kind: 'created';
  /** Who else may reach it: the application, for one. Default: nobody but the consumer. */
  readonly clients?: readonly ISecurityGroup[];
}

/** A replication group of ElastiCache, encrypted, with a password, and `noeviction`. */
export interface CreatedRedisPool extends CreatedPool {
  /** Default: valkey. */
  readonly engine?: 'valkey' | 'redis';
  /** Default: cache.t4g.micro. */
  readonly nodeType?: string;
  /** 0 to 5, each in another zone where there are zones. Default: 0. */
  readonly replicas?: number;
}

/** RDS MySQL, or Aurora Serverless v2, encrypted, reached by TLS alone. */
export interface CreatedMysqlPool extends CreatedPool {
  /** Default: mysql. */
  readonly engine?: 'mysql' | 'aurora';
  /** Of RDS MySQL. Default: t4g.micro. */
  readonly instanceType?: string;
  /** Of RDS MySQL, in GiB. Default: 20. */
  readonly storageGb?: number;
  /** Of Aurora, in its capacity units. Defaults: 0.5 and 4. */
  readonly minCapacity?: number;
  readonly maxCapacity?: number;
  /** How many connections it leaves to the consumer. Default: 60. */
  readonly maxConnections?: number;
}

export type RedisPoolProps = ExistingRedisPool | CreatedRedisPool;
export type MysqlPoolProps = ExistingMysqlPool | CreatedMysqlPool;

export interface BackgroundConsumerProps extends SettingsInput {
  /**
   * Path of the application's BeeORM registry. It is split at synth: the poller gets its Redis part, the executor its
   * MySQL part, neither with a password. A password in it is refused where no secret stands for it.
   */
  readonly registry: string;
  /** The name under which its metrics and logs stand. Default: of the stack, and this construct's id. */
  readonly serviceName?: string;
  /** By the registry's pool codes. Default of each: existing, as the registry says. */
  readonly redisPools?: Readonly<Record<string, RedisPoolProps>>;
  /** By the registry's pool codes. Default of each: existing, as the registry says. */
  readonly mysqlPools?: Readonly<Record<string, MysqlPoolProps>>;
  /** Path of a YAML file that binds own streams to functions: see docs/own-streams.md. Default: none. */
  readonly bindings?: string;
  /** Path of a YAML file that says what search indexes consist of: see docs/search.md. Default: all is derived. */
  readonly searchMapping?: string;
  /** Default: one is made, of isolated subnets in two zones. */
  readonly vpc?: IVpc;
  /** Of a given VPC. Default: its private subnets, or else its isolated ones. */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Whether interface endpoints for Lambda and Secrets Manager are made. Default: in a VPC that is made here; not in a
   * given one, where a second one with private DNS would fail.
   */
  readonly endpoints?: boolean;
  /** Told when an alarm fires and when it ends. Default: nobody. */
  readonly alarmTopic?: ITopic;
  /** Alarms that are not wanted, each with the reason why. */
  readonly declinedAlarms?: Partial<Readonly<Record<AlarmName, string>>>;
}
