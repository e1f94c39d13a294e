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
import { type Network, open, openForClients } from './network.ts';
import type { CreatedMysqlPool } from './props.ts';

const PORT = 3306;
/** Defaults, in Aurora's capacity units. */
export const AURORA_CAPACITY = { min: 0.5, max: 4 } as const;

const BACKUP_RETENTION = Duration.days(7);

/** Refuses connections without TLS. */
const PARAMETERS = { require_secure_transport: 'ON' };

export interface CreatedMysqlOptions extends CreatedMysqlPool {
  /** Name of the first database. */
  readonly database: string;
  readonly user: string;
  readonly removal: RemovalPolicy;
}

interface Server {
  readonly host: string;
  readonly secret: ISecret | undefined;
}

/** RDS MySQL or Aurora Serverless v2: encrypted, backed up, reached by TLS alone. */
export class CreatedMysql extends Construct {
  readonly host: string;
  readonly port = PORT;
  readonly secret: ISecret;

  constructor(scope: Construct, id: string, network: Network, options: CreatedMysqlOptions) {
    super(scope, id);
    const securityGroup = network.createSecurityGroup(id, `Background consumer: ${id}`);
    open(network.executorSecurityGroup, securityGroup, Port.tcp(PORT), 'SQL');
    openForClients(securityGroup, options.clients, Port.tcp(PORT));
    const create = options.engine === 'aurora' ? createCluster : createInstance;
    const { host, secret } = create(this, network, securityGroup, options);
    if (secret === undefined) throw new Error('a server with generated credentials has a secret');
    acknowledge(this, {
      'AwsSolutions-SMG4':
        'Rotation is for the team to switch on; the functions read a new password by themselves.',
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
  { instanceType = 't4g.micro', storageGb = 20, database, user, removal }: CreatedMysqlOptions,
): Server {
  const instance = new DatabaseInstance(scope, 'Instance', {
    ...common(network, securityGroup, user, removal),
    engine: DatabaseInstanceEngine.mysql({ version: MysqlEngineVersion.VER_8_4_8 }),
    instanceType: new InstanceType(instanceType),
    allocatedStorage: storageGb,
    databaseName: database,
    caCertificate: CaCertificate.RDS_CA_RSA2048_G1,
    backupRetention: BACKUP_RETENTION,
    autoMinorVersionUpgrade: true,
  });
  acknowledge(instance, {
    'AwsSolutions-RDS3':
      'A first try has one zone; a team that needs two brings a server of its own, or Aurora.',
    ...COMMON_ACKNOWLEDGEMENTS,
  });
  return { host: instance.instanceEndpoint.hostname, secret: instance.secret };
}

function createCluster(
  scope: Construct,
  network: Network,
  securityGroup: SecurityGroup,
  {
    minCapacity = AURORA_CAPACITY.min,
    maxCapacity = AURORA_CAPACITY.max,
    database,
    user,
    removal,
  }: CreatedMysqlOptions,
): Server {
  const cluster = new DatabaseCluster(scope, 'Cluster', {
    ...common(network, securityGroup, user, removal),
    engine: DatabaseClusterEngine.auroraMysql({ version: AuroraMysqlEngineVersion.VER_3_10_3 }),
    writer: ClusterInstance.serverlessV2('Writer', { caCertificate: CaCertificate.RDS_CA_RSA2048_G1 }),
    serverlessV2MinCapacity: minCapacity,
    serverlessV2MaxCapacity: maxCapacity,
    defaultDatabaseName: database,
    backup: { retention: BACKUP_RETENTION },
  });
  acknowledge(cluster, {
    'AwsSolutions-RDS14':
      'Backups of 7 days bring back any second of them; backtracking is not needed beside them.',
    ...COMMON_ACKNOWLEDGEMENTS,
  });
  return { host: cluster.clusterEndpoint.hostname, secret: cluster.secret };
}

const COMMON_ACKNOWLEDGEMENTS = {
  'AwsSolutions-RDS6':
    'The executor logs in by a password that stands in a secret, as BeeORM applications do.',
  'AwsSolutions-RDS10': '`removal: retain` protects it from deletion; `destroy` is for a first try.',
  'AwsSolutions-RDS11': 'The port is no secret: security group and password keep others out.',
  'AwsSolutions-RDS16': 'Logs of a database of its own are for the team to export; they hold values of rows.',
};

function common(network: Network, securityGroup: SecurityGroup, user: string, removal: RemovalPolicy) {
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
