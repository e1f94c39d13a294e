import type { RemovalPolicy } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { CreatedMysql } from './created-mysql.ts';
import type { Network } from './network.ts';
import { propsError } from './problems.ts';
import type { ExistingMysqlPool, MysqlPoolProps } from './props.ts';
import { literalPassword } from './redis-pools.ts';
import { openForServer, secretOf, unreachableSocket } from './server-access.ts';

/** As many as each environment of the executor opens: one to work, one to end a lost one's session. */
const CONNECTIONS_EACH = 2;
const SPARE_EXECUTORS = 3;

/** RDS makes no server where a second one could not take over. */
const MIN_ZONES = 2;

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
  removal: RemovalPolicy,
): BoundMysqlPool {
  const { database, user } = pool;
  const common = {
    database,
    parameters: Object.fromEntries(pool.parameters),
    ...(pool.encoding === undefined ? {} : { encoding: pool.encoding }),
    ...(pool.collate === undefined ? {} : { collate: pool.collate }),
  };
  if (props.kind === 'existing') return bindExisting(scope, network, pool, props, common);
  checkNames(pool);
  if (network.zones < MIN_ZONES)
    throw propsError('vpc', `has subnets in one zone, but RDS wants ${MIN_ZONES} for ${pool.code}`);
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
  scope: Construct,
  network: Network,
  pool: MysqlPool,
  props: ExistingMysqlPool,
  common: object,
): BoundMysqlPool {
  const path = `mysqlPools.${pool.code}`;
  const { secret, tls = pool.tls, host = pool.host, port = pool.port } = props;
  if (pool.password !== '' && secret === undefined) throw literalPassword(path);
  if (pool.socketPath !== undefined && props.host === undefined) throw unreachableSocket(path);
  const forSecret = [...pool.parameters.keys()].find((name) => /^(pass(word|wd)?|pwd)$/i.test(name));
  if (forSecret !== undefined)
    throw propsError(path, `the registry's DSN has the parameter ${forSecret}`, 'Move it into the secret.');
  const place = { path, name: `MySQL pool ${pool.code}` };
  openForServer(scope, network.executorSecurityGroup, { host, port }, props, place);
  const address = {
    ...common,
    host,
    port,
    user: pool.user,
    ...(tls === undefined ? {} : { tls }),
    ...secretOf(props),
  };
  return { address, secret };
}

/** What RDS takes; it would tell only in the middle of a deploy. */
function checkNames({ code, database, user }: MysqlPool): void {
  const path = `mysqlPools.${code}`;
  if (!/^[A-Za-z]\w{0,63}$/.test(database)) {
    throw propsError(
      path,
      `RDS makes no database '${database}': letters, digits and _ alone, a letter first`,
    );
  }
  if (!/^([A-Za-z]\w{0,15})?$/.test(user))
    throw propsError(path, `RDS makes no user '${user}': 16 letters and digits at most, a letter first`);
}

/**
 * Lanes times connections against what servers allow. Pools on one server share its connections.
 * @throws ConfigurationError that names the pool
 */
export function checkConnections(
  pools: ReadonlyMap<string, MysqlPool>,
  given: Readonly<Record<string, MysqlPoolProps>>,
  lazyConcurrency: number,
): void {
  const serverOf = ({ code, ...pool }: MysqlPool) => {
    const props = given[code];
    if (props?.kind === 'created') return code;
    return `${props?.host ?? pool.host}:${props?.port ?? pool.port}`;
  };
  for (const pool of pools.values()) {
    const props = given[pool.code];
    const most = props?.maxConnections ?? (props?.kind === 'created' ? CREATED_MAX_CONNECTIONS : undefined);
    const beside = [...pools.values()].filter((other) => serverOf(other) === serverOf(pool)).length;
    const needed = (lazyConcurrency + SPARE_EXECUTORS) * CONNECTIONS_EACH * beside;
    if (most === undefined || needed <= most) continue;
    const share = beside === 1 ? '' : `, by ${beside} pools on this server`;
    throw propsError(
      `mysqlPools.${pool.code}.maxConnections`,
      `is ${most}, but lazyConcurrency ${lazyConcurrency} may open ${needed} connections${share}`,
      'Lower lazyConcurrency, or take a larger server and say so here.',
    );
  }
}
