import type { RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { SPARE_REQUESTS } from '../../shared/protocol.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { CreatedMysql } from './created-mysql.ts';
import type { Network } from './network.ts';
import { propsError } from './problems.ts';
import type { ExistingMysqlPool, MysqlPoolProps } from './props.ts';
import {
  allowServer,
  literalPassword,
  type ProvidedPool,
  secretOf,
  unreachableSocket,
} from './server-access.ts';

/** Each executor environment opens one connection to work and one to end the session of a lost connection. */
const CONNECTIONS_PER_EXECUTOR = 2;

/** RDS refuses to create a server in a single zone, where no second one could take over. */
const MIN_ZONES = 2;

/** Default of `maxConnections` for a created server. */
const CREATED_MAX_CONNECTIONS = 60;

/** Creates the server of a MySQL pool, or opens the network to an existing one. */
export function provideMysqlPool(
  scope: Construct,
  network: Network,
  pool: MysqlPool,
  props: MysqlPoolProps,
  removal: RemovalPolicy,
): ProvidedPool {
  if (props.kind === 'existing') return provideExisting(scope, network, pool, props);
  const { code, database, user } = pool;
  checkNames(pool);
  if (network.zoneCount < MIN_ZONES) {
    const problem = `has subnets in only one availability zone, but RDS requires ${MIN_ZONES} for pool ${code}`;
    throw propsError('vpc', problem);
  }
  const server = new CreatedMysql(scope, `Mysql-${code}`, network, { pool: props, database, user, removal });
  const { host, port, secret } = server;
  return {
    address: { ...databaseOf(pool), host, port, tls: 'verify', secret: secret.secretArn },
    secret,
  };
}

function provideExisting(
  scope: Construct,
  network: Network,
  pool: MysqlPool,
  props: ExistingMysqlPool,
): ProvidedPool {
  const path = `mysqlPools.${pool.code}`;
  const { secret, tls = pool.tls, host = pool.host, port = pool.port } = props;
  checkCredentials(pool, props);
  if (pool.socketPath !== undefined && props.host === undefined) throw unreachableSocket(path);
  allowServer(scope, network.executorSecurityGroup, { host, port }, props, {
    path,
    name: `MySQL pool ${pool.code}`,
  });
  const address = {
    ...databaseOf(pool),
    host,
    port,
    user: pool.user,
    ...(tls === undefined ? {} : { tls }),
    ...secretOf(props),
  };
  return { address, secret };
}

/** What the executor needs to know about a pool's database, no matter who runs the server. */
function databaseOf({ database, parameters, encoding, collate }: MysqlPool): object {
  return {
    database,
    parameters: Object.fromEntries(parameters),
    ...(encoding === undefined ? {} : { encoding }),
    ...(collate === undefined ? {} : { collate }),
  };
}

/** Rejects a registry whose password would get into the template. */
function checkCredentials({ code, password, parameters }: MysqlPool, { secret }: ExistingMysqlPool): void {
  const path = `mysqlPools.${code}`;
  if (password !== '' && secret === undefined) throw literalPassword(path);
  const parameter = [...parameters.keys()].find((name) => /^(pass(word|wd)?|pwd)$/i.test(name));
  if (parameter === undefined) return;
  const problem = `the registry's DSN contains the parameter ${parameter}`;
  throw propsError(path, problem, 'Move its value to the secret.');
}

/** Rejects names that RDS does not accept. RDS itself would report them only in the middle of a deployment. */
function checkNames({ code, database, user }: MysqlPool): void {
  const path = `mysqlPools.${code}`;
  if (!/^[A-Za-z]\w{0,63}$/.test(database)) {
    const rule = 'a name starts with a letter and has at most 64 letters, digits and underscores';
    throw propsError(path, `RDS cannot create a database named '${database}': ${rule}`);
  }
  if (!/^([A-Za-z]\w{0,15})?$/.test(user)) {
    const rule = 'a name starts with a letter and has at most 16 letters, digits and underscores';
    throw propsError(path, `RDS cannot create a user named '${user}': ${rule}`);
  }
}

/**
 * Checks that the executors do not open more connections than each server allows. Pools on the same server share its
 * connections.
 * @throws ConfigurationError that names the pool
 */
export function checkConnections(
  pools: ReadonlyMap<string, MysqlPool>,
  poolProps: Readonly<Record<string, MysqlPoolProps>>,
  lazyConcurrency: number,
): void {
  const serverOf = ({ code, host, port }: MysqlPool) => {
    const props = poolProps[code];
    return props?.kind === 'created' ? code : `${props?.host ?? host}:${props?.port ?? port}`;
  };
  for (const pool of pools.values()) {
    const maxConnections = maxConnectionsOf(poolProps[pool.code]);
    const poolsOnServer = [...pools.values()].filter((other) => serverOf(other) === serverOf(pool)).length;
    const needed = (lazyConcurrency + SPARE_REQUESTS) * CONNECTIONS_PER_EXECUTOR * poolsOnServer;
    if (maxConnections === undefined || needed <= maxConnections) continue;
    const share = poolsOnServer === 1 ? '' : ` across the ${poolsOnServer} pools on this server`;
    throw propsError(
      `mysqlPools.${pool.code}.maxConnections`,
      `is ${maxConnections}, but lazyConcurrency ${lazyConcurrency} may open ${needed} connections${share}`,
      'Lower lazyConcurrency, or use a larger server and raise maxConnections to match.',
    );
  }
}

function maxConnectionsOf(props: MysqlPoolProps | undefined): number | undefined {
  return props?.maxConnections ?? (props?.kind === 'created' ? CREATED_MAX_CONNECTIONS : undefined);
}
