import { Stack, type StackProps } from 'aws-cdk-lib';
import { type ISecurityGroup, type IVpc, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Deployment } from './config.ts';
import { BackgroundConsumer } from './constructs/background-consumer.ts';
import type { MysqlPoolProps, RedisPoolProps } from './constructs/props.ts';

type ConfiguredPool = Deployment['redisPools'][string] | Deployment['mysqlPools'][string];
type ConfiguredExistingPool = Extract<ConfiguredPool, { kind: 'existing' }>;

/** One stack around one consumer; ids of what is there become what the construct takes. */
export class BackgroundConsumerStack extends Stack {
  readonly consumer: BackgroundConsumer;

  constructor(scope: Construct, id: string, deployment: Deployment, props: StackProps = {}) {
    super(scope, id, props);
    const { settings, registry, alarmTopicArn, endpoints, declinedAlarms, vpc } = deployment;
    this.consumer = new BackgroundConsumer(this, 'Consumer', {
      ...settings,
      registry,
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
    return Vpc.fromVpcAttributes(this, 'Vpc', { vpcId, availabilityZones, isolatedSubnetIds: subnetIds });
  }

  #importRedisPools(pools: Deployment['redisPools']): Record<string, RedisPoolProps> {
    return mapValues(pools, (pool, code) =>
      pool.kind === 'created' ? pool : { ...pool, ...this.#importServer(`Redis-${code}`, pool) },
    );
  }

  #importMysqlPools(pools: Deployment['mysqlPools']): Record<string, MysqlPoolProps> {
    return mapValues(pools, (pool, code) =>
      pool.kind === 'created' ? pool : { ...pool, ...this.#importServer(`Mysql-${code}`, pool) },
    );
  }

  #importServer(
    id: string,
    { secretArn, secretKeyArn, securityGroupId }: ConfiguredExistingPool,
  ): { secret?: ISecret; securityGroup?: ISecurityGroup } {
    return {
      secret:
        secretArn === undefined
          ? undefined
          : Secret.fromSecretAttributes(this, `${id}-Secret`, {
              secretCompleteArn: secretArn,
              encryptionKey:
                secretKeyArn === undefined ? undefined : Key.fromKeyArn(this, `${id}-Key`, secretKeyArn),
            }),
      securityGroup:
        securityGroupId === undefined
          ? undefined
          : SecurityGroup.fromSecurityGroupId(this, `${id}-SecurityGroup`, securityGroupId),
    };
  }
}

function mapValues<Value, Result>(
  values: Readonly<Record<string, Value>>,
  map: (value: Value, key: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value, key)]));
}
