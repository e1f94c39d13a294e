import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { InstanceType, Port, type SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  AuroraMysqlEngineVersion,
  CaCertificate,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
  DatabaseInstance,
  DatabaseInstanceEngine,
  MysqlEngineVersion,
} from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { allowClients, allowTraffic, type Network } from './network.ts';
import type { CreatedMysqlPool } from './props.ts';

const PORT = 3306;
/** Default capacity range of Aurora Serverless v2, in Aurora capacity units (ACUs). */
export const AURORA_CAPACITY = { min: 0.5, max: 4 } as const;

const backupRetention = Duration.days(7);

/** Makes the server reject connections without TLS. */
const PARAMETERS = { require_secure_transport: 'ON' };

export interface CreatedMysqlOptions {
  readonly pool: CreatedMysqlPool;
  /** Name of the database to create. */
  readonly database: string;
  /** Name of the user to create. Default if empty: `consumer`. */
  readonly user: string;
  readonly removal: RemovalPolicy;
}

interface Server {
  readonly host: string;
  readonly secret: ISecret | undefined;
}

/** RDS MySQL or Aurora Serverless v2: encrypted, backed up, and reachable only over TLS. */
export class CreatedMysql extends Construct {
  readonly host: string;
  readonly port = PORT;
  readonly secret: ISecret;

  constructor(scope: Construct, id: string, network: Network, options: CreatedMysqlOptions) {
    super(scope, id);
    const securityGroup = network.createSecurityGroup(id, `Background consumer: ${id}`);
    allowTraffic(network.executorSecurityGroup, securityGroup, Port.tcp(PORT), 'SQL');
    allowClients(securityGroup, options.pool.clients, Port.tcp(PORT));
    const create = options.pool.engine === 'aurora' ? createCluster : createInstance;
    const { host, secret } = create(this, network, securityGroup, options);
    if (secret === undefined) throw new Error('a server with generated credentials must have a secret');
    acknowledge(this, {
      'AwsSolutions-SMG4':
        'Enabling rotation is up to the team; the functions pick up a new password by themselves.',
    });
    this.host = host;
    this.secret = secret;
    new CfnOutput(this, 'Address', { value: `${host}:${PORT}` });
    new CfnOutput(this, 'SecretArn', { value: secret.secretArn });
  }
}

function createInstance(
  scope: Construct,
  network: Network,
  securityGroup: SecurityGroup,
  { pool, database, user, removal }: CreatedMysqlOptions,
): Server {
  const { instanceType = 't4g.micro', storageGb = 20 } = pool;
  const instance = new DatabaseInstance(scope, 'Instance', {
    ...commonProps(network, securityGroup, user, removal),
    engine: DatabaseInstanceEngine.mysql({ version: MysqlEngineVersion.VER_8_4_8 }),
    instanceType: new InstanceType(instanceType),
    allocatedStorage: storageGb,
    databaseName: database,
    caCertificate: CaCertificate.RDS_CA_RSA2048_G1,
    backupRetention: backupRetention,
    autoMinorVersionUpgrade: true,
  });
  acknowledge(instance, {
    'AwsSolutions-RDS3':
      'The instance is meant for trying the consumer out, so one zone is enough; use Aurora or your own server for two.',
    ...COMMON_ACKNOWLEDGEMENTS,
  });
  return { host: instance.instanceEndpoint.hostname, secret: instance.secret };
}

function createCluster(
  scope: Construct,
  network: Network,
  securityGroup: SecurityGroup,
  { pool, database, user, removal }: CreatedMysqlOptions,
): Server {
  const { minCapacity = AURORA_CAPACITY.min, maxCapacity = AURORA_CAPACITY.max } = pool;
  const cluster = new DatabaseCluster(scope, 'Cluster', {
    ...commonProps(network, securityGroup, user, removal),
    engine: DatabaseClusterEngine.auroraMysql({ version: AuroraMysqlEngineVersion.VER_3_10_3 }),
    writer: ClusterInstance.serverlessV2('Writer', { caCertificate: CaCertificate.RDS_CA_RSA2048_G1 }),
    serverlessV2MinCapacity: minCapacity,
    serverlessV2MaxCapacity: maxCapacity,
    defaultDatabaseName: database,
    backup: { retention: backupRetention },
  });
  acknowledge(cluster, {
    'AwsSolutions-RDS14':
      'The backups allow point-in-time recovery for 7 days, so backtracking is not needed.',
    ...COMMON_ACKNOWLEDGEMENTS,
  });
  return { host: cluster.clusterEndpoint.hostname, secret: cluster.secret };
}

const COMMON_ACKNOWLEDGEMENTS = {
  'AwsSolutions-RDS6': 'The executor logs in with a password from a secret, as BeeORM applications do.',
  'AwsSolutions-RDS10':
    '`removal: retain` protects the server from deletion; `destroy` is meant for trying the consumer out.',
  'AwsSolutions-RDS11':
    'Hiding the port adds no protection: the security group and the password control access.',
  'AwsSolutions-RDS16': 'Exporting database logs is up to the team, because the logs contain row values.',
};

/** Props that an RDS instance and an Aurora cluster have in common. */
function commonProps(network: Network, securityGroup: SecurityGroup, user: string, removal: RemovalPolicy) {
  return {
    vpc: network.vpc,
    vpcSubnets: network.vpcSubnets,
    securityGroups: [securityGroup],
    credentials: Credentials.fromGeneratedSecret(user === '' ? 'consumer' : user),
    parameters: PARAMETERS,
    storageEncrypted: true,
    deletionProtection: removal === RemovalPolicy.RETAIN,
    removalPolicy: removal === RemovalPolicy.RETAIN ? RemovalPolicy.SNAPSHOT : removal,
  };
}
