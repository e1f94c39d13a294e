import { Annotations, Stack, type StackProps } from 'aws-cdk-lib';
import { type ISecurityGroup, type IVpc, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Deployment } from './config.ts';
import { BackgroundConsumer } from './constructs/background-consumer.ts';
import type { MysqlPoolProps, RedisPoolProps } from './constructs/props.ts';

type ConfiguredPool = Deployment['redisPools'][string] | Deployment['mysqlPools'][string];
type ConfiguredCreatedPool = Extract<ConfiguredPool, { kind: 'created' }>;
type ConfiguredExistingPool = Extract<ConfiguredPool, { kind: 'existing' }>;

/** A stack with one consumer. Turns the IDs of existing resources into the constructs that the consumer takes. */
export class BackgroundConsumerStack extends Stack {
  readonly consumer: BackgroundConsumer;
  /**
   * Imported security groups by ID. Two pools on one server must share a construct: the CDK merges equal rules of one
   * construct only, and EC2 rejects a rule that already exists.
   */
  readonly #securityGroups = new Map<string, ISecurityGroup>();

  constructor(scope: Construct, id: string, deployment: Deployment, props: StackProps = {}) {
    super(scope, id, props);
    const { settings, registry, alarmTopicArn, endpoints, declinedAlarms, vpc } = deployment;
    this.consumer = new BackgroundConsumer(this, 'Consumer', {
      ...settings,
      registry,
      serviceName: this.stackName,
      bindings: deployment.bindings,
      searchMapping: deployment.searchMapping,
      endpoints,
      declinedAlarms,
      vpc: vpc && this.#importVpc(vpc),
      alarmTopic:
        alarmTopicArn === undefined ? undefined : Topic.fromTopicArn(this, 'AlarmTopic', alarmTopicArn),
      redisPools: this.#importRedisPools(deployment.redisPools),
      mysqlPools: this.#importMysqlPools(deployment.mysqlPools),
    });
  }

  #importVpc({ vpcId, availabilityZones, subnetIds }: NonNullable<Deployment['vpc']>): IVpc {
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      availabilityZones,
      isolatedSubnetIds: subnetIds,
    });
    Annotations.of(vpc).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId', 'no routes are created');
    return vpc;
  }

  #importRedisPools(pools: Deployment['redisPools']): Record<string, RedisPoolProps> {
    return mapValues(pools, (pool, code) =>
      pool.kind === 'created' ? this.#importClients(pool) : this.#importServer(`Redis-${code}`, pool),
    );
  }

  #importMysqlPools(pools: Deployment['mysqlPools']): Record<string, MysqlPoolProps> {
    return mapValues(pools, (pool, code) =>
      pool.kind === 'created' ? this.#importClients(pool) : this.#importServer(`Mysql-${code}`, pool),
    );
  }

  #importServer<Pool extends ConfiguredExistingPool>(
    id: string,
    { secretArn, secretKeyArn, securityGroupId, ...pool }: Pool,
  ) {
    return {
      ...pool,
      secret:
        secretArn === undefined
          ? undefined
          : Secret.fromSecretAttributes(this, `${id}-Secret`, {
              secretCompleteArn: secretArn,
              encryptionKey:
                secretKeyArn === undefined ? undefined : Key.fromKeyArn(this, `${id}-Key`, secretKeyArn),
            }),
      securityGroup: securityGroupId === undefined ? undefined : this.#importSecurityGroup(securityGroupId),
    };
  }

  #importClients<Pool extends ConfiguredCreatedPool>({ clients = [], ...pool }: Pool) {
    return { ...pool, clients: clients.map((id) => this.#importSecurityGroup(id)) };
  }

  #importSecurityGroup(securityGroupId: string): ISecurityGroup {
    const existing = this.#securityGroups.get(securityGroupId);
    if (existing !== undefined) return existing;
    const imported = SecurityGroup.fromSecurityGroupId(this, securityGroupId, securityGroupId);
    this.#securityGroups.set(securityGroupId, imported);
    return imported;
  }
}

function mapValues<Value, Result>(
  values: Readonly<Record<string, Value>>,
  map: (value: Value, key: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value, key)]));
}
