import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import { Port } from 'aws-cdk-lib/aws-ec2';
import { CfnParameterGroup, CfnReplicationGroup, CfnSubnetGroup } from 'aws-cdk-lib/aws-elasticache';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { allowClients, allowTraffic, type Network } from './network.ts';
import type { CreatedRedisPool } from './props.ts';

const PORT = 6379;
const PASSWORD_LENGTH = 40;

const ENGINES = {
  valkey: { engineVersion: '8.0', cacheParameterGroupFamily: 'valkey8' },
  redis: { engineVersion: '7.1', cacheParameterGroupFamily: 'redis7' },
} as const;

/** An ElastiCache replication group that is encrypted, requires a password, and never evicts entries. */
export class CreatedRedis extends Construct {
  readonly host: string;
  readonly port: string;
  readonly secret: ISecret;

  constructor(
    scope: Construct,
    id: string,
    network: Network,
    { engine = 'valkey', nodeType = 'cache.t4g.micro', replicas = 0, clients }: CreatedRedisPool,
    removal: RemovalPolicy,
  ) {
    super(scope, id);
    const { cacheParameterGroupFamily, engineVersion } = ENGINES[engine];
    const secret = this.#createSecret(removal);
    const securityGroup = network.createSecurityGroup(id, `Background consumer: ${id}`);
    allowTraffic(network.pollerSecurityGroup, securityGroup, Port.tcp(PORT), 'streams');
    allowClients(securityGroup, clients, Port.tcp(PORT));
    const parameters = new CfnParameterGroup(this, 'Parameters', {
      cacheParameterGroupFamily,
      description: 'Streams must not be evicted',
      properties: { 'maxmemory-policy': 'noeviction' },
    });
    const subnets = new CfnSubnetGroup(this, 'Subnets', {
      description: 'Background consumer',
      subnetIds: network.vpc.selectSubnets(network.vpcSubnets).subnetIds,
    });
    const group = new CfnReplicationGroup(this, 'Group', {
      replicationGroupDescription: 'Streams of the background consumer',
      engine,
      engineVersion,
      cacheNodeType: nodeType,
      numCacheClusters: 1 + replicas,
      automaticFailoverEnabled: replicas > 0,
      multiAzEnabled: replicas > 0 && network.zoneCount > 1,
      port: PORT,
      atRestEncryptionEnabled: true,
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      // Renders a dynamic reference that CloudFormation resolves: the password itself is never in the template.
      authToken: secret.secretValueFromJson('password').unsafeUnwrap(),
      securityGroupIds: [securityGroup.securityGroupId],
      cacheParameterGroupName: parameters.ref,
      cacheSubnetGroupName: subnets.ref,
      snapshotRetentionLimit: 1,
    });
    group.applyRemovalPolicy(removal === RemovalPolicy.RETAIN ? RemovalPolicy.SNAPSHOT : removal);
    acknowledge(group, {
      'AwsSolutions-AEC4':
        'One node is enough for trying the consumer out; `replicas` adds nodes in other zones.',
      'AwsSolutions-AEC5':
        'Hiding the port adds no protection: the security group and the password control access.',
    });
    this.host = group.attrPrimaryEndPointAddress;
    this.port = group.attrPrimaryEndPointPort;
    this.secret = secret;
    new CfnOutput(this, 'Address', { value: `${this.host}:${this.port}` });
    new CfnOutput(this, 'SecretArn', { value: secret.secretArn });
  }

  #createSecret(removalPolicy: RemovalPolicy): Secret {
    const secret = new Secret(this, 'Secret', {
      description: 'Redis password of the background consumer',
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'password',
        passwordLength: PASSWORD_LENGTH,
        excludePunctuation: true,
      },
      removalPolicy,
    });
    acknowledge(secret, {
      'AwsSolutions-SMG4':
        'A new password must be set on ElastiCache too, so rotation is manual; see docs/runbook.md.',
    });
    return secret;
  }
}
