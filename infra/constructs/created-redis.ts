import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import { Port } from 'aws-cdk-lib/aws-ec2';
import { CfnParameterGroup, CfnReplicationGroup, CfnSubnetGroup } from 'aws-cdk-lib/aws-elasticache';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { type Network, open, openForClients } from './network.ts';
import type { CreatedRedisPool } from './props.ts';

const PORT = 6379;
const PASSWORD_LENGTH = 40;

const ENGINES = {
  valkey: { engineVersion: '8.0', cacheParameterGroupFamily: 'valkey8' },
  redis: { engineVersion: '7.1', cacheParameterGroupFamily: 'redis7' },
} as const;

/** A replication group of ElastiCache: encrypted, with a password, and one that never throws entries away. */
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
    open(network.pollerSecurityGroup, securityGroup, Port.tcp(PORT), 'streams');
    openForClients(securityGroup, clients, Port.tcp(PORT));
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
      multiAzEnabled: replicas > 0 && network.zones > 1,
      port: PORT,
      atRestEncryptionEnabled: true,
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      // A reference that CloudFormation resolves: the password never stands in the template.
      authToken: secret.secretValueFromJson('password').unsafeUnwrap(),
      securityGroupIds: [securityGroup.securityGroupId],
      cacheParameterGroupName: parameters.ref,
      cacheSubnetGroupName: subnets.ref,
      snapshotRetentionLimit: 1,
    });
    group.applyRemovalPolicy(removal === RemovalPolicy.RETAIN ? RemovalPolicy.SNAPSHOT : removal);
    acknowledge(group, {
      'AwsSolutions-AEC4': 'A first try has one node; `replicas` makes more, in several zones.',
      'AwsSolutions-AEC5': 'The port is no secret: security group and password keep others out.',
    });
    this.host = group.attrPrimaryEndPointAddress;
    this.port = group.attrPrimaryEndPointPort;
    this.secret = secret;
    new CfnOutput(this, 'Address', { value: `${this.host}:${this.port}` });
    new CfnOutput(this, 'SecretArn', { value: secret.secretArn });
  }

  #createSecret(removalPolicy: RemovalPolicy): Secret {
    const secret = new Secret(this, 'Secret', {
      description: 'Password of the background consumer’s Redis',
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
        'ElastiCache takes a new password only together with its own setting; the runbook says how.',
    });
    return secret;
  }
}
