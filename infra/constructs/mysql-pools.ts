import type { RemovalPolicy } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { CreatedMysql } from './created-mysql.ts';
import type { Network } from './network.ts';
import { propsError } from './problems.ts';
import type { ExistingMysqlPool, MysqlPoolProps } from './props.ts';
import { literalPassword } from './redis-pools.ts';
import { openForServer } from './server-access.ts';

/** As many as each environment of the executor opens: one to work, one to end a lost one's session. */
const CONNECTIONS_EACH = 2;
const SPARE_EXECUTORS = 3;
const CREATED_MAX_CONNECTIONS = 60;

/** What the executor is told of a pool, before it has become JSON. */
export interface BoundMysqlPool {
  readonly address: object;
  readonly secret: ISecret | undefined;
}

/** Makes or opens the server of one MySQL pool. */
export function bindMysqlPool(
  scope: Construct,
  network: Network,
  pool: MysqlPool,
  props: MysqlPoolProps,
  options: { readonly removal: RemovalPolicy; readonly lazyConcurrency: number },
): BoundMysqlPool {
  checkConnections(pool.code, props, options.lazyConcurrency);
  const { database, user } = pool;
  const common = {
    database,
    parameters: Object.fromEntries(pool.parameters),
    ...(pool.encoding === undefined ? {} : { encoding: pool.encoding }),
    ...(pool.collate === undefined ? {} : { collate: pool.collate }),
  };
  if (props.kind === 'existing') return bindExisting(network, pool, props, common);
  const { removal } = options;
  const server = new CreatedMysql(scope, `Mysql-${pool.code}`, network, {
    ...props,
    database,
    user,
    removal,
  });
  const { host, port, secret } = server;
  return { address: { ...common, host, port, tls: 'verify', secret: secret.secretArn }, secret };
}

function bindExisting(
  network: Network,
  pool: MysqlPool,
  props: ExistingMysqlPool,
  common: object,
): BoundMysqlPool {
  const path = `mysqlPools.${pool.code}`;
  const { secret, tls = pool.tls, host = pool.host, port = pool.port } = props;
  if (pool.password !== '' && secret === undefined) throw literalPassword(path);
  if (pool.socketPath !== undefined && props.host === undefined) {
    throw propsError(
      `${path}.host`,
      'is missing, and the registry names a socket, which no function can reach',
    );
  }
  openForServer(
    network.executorSecurityGroup,
    { host, port },
    props.securityGroup,
    `MySQL pool ${pool.code}`,
  );
  const address = {
    ...common,
    host,
    port,
    user: pool.user,
    ...(tls === undefined ? {} : { tls }),
    ...(secret === undefined ? {} : { secret: secret.secretArn }),
  };
  return { address, secret };
}

function checkConnections(code: string, props: MysqlPoolProps, lazyConcurrency: number): void {
  const most = props.maxConnections ?? (props.kind === 'created' ? CREATED_MAX_CONNECTIONS : undefined);
  const needed = (lazyConcurrency + SPARE_EXECUTORS) * CONNECTIONS_EACH;
  if (most === undefined || needed <= most) return;
  throw propsError(
    `mysqlPools.${code}.maxConnections`,
    `is ${most}, but lazyConcurrency ${lazyConcurrency} may open ${needed} connections`,
    'Lower lazyConcurrency, or take a larger server and say so here.',
  );
}
