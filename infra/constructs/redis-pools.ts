import { Annotations, type RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { RedisPool } from '../../shared/registry/types.ts';
import { CreatedRedis } from './created-redis.ts';
import type { Network } from './network.ts';
import { propsError } from './problems.ts';
import type { ExistingRedisPool, RedisPoolProps } from './props.ts';
import {
  allowPort,
  allowServer,
  literalPassword,
  type ProvidedPool,
  secretOf,
  unreachableSocket,
} from './server-access.ts';

const REDIS_PORT = 6379;
/** ElastiCache has this many databases, numbered from 0. */
const CREATED_DATABASES = 16;

/** Creates the server of a Redis pool, or opens the network to an existing one. */
export function provideRedisPool(
  scope: Construct,
  network: Network,
  pool: RedisPool,
  props: RedisPoolProps,
  removal: RemovalPolicy,
): ProvidedPool {
  const { database, namespace } = pool;
  if (props.kind === 'existing') return provideExisting(scope, network, pool, props);
  if (database >= CREATED_DATABASES) {
    const problem = `the registry selects database ${database}, but ElastiCache has only databases 0 to ${CREATED_DATABASES - 1}`;
    throw propsError(`redisPools.${pool.code}`, problem);
  }
  const { host, port, secret } = new CreatedRedis(scope, `Redis-${pool.code}`, network, props, removal);
  const target = { kind: 'tcp', host, port };
  return { address: { target, database, namespace, tls: true, secret: secret.secretArn }, secret };
}

function provideExisting(
  scope: Construct,
  network: Network,
  pool: RedisPool,
  props: ExistingRedisPool,
): ProvidedPool {
  const { secret, isNoeviction = false } = props;
  const path = `redisPools.${pool.code}`;
  if (pool.password !== undefined && secret === undefined) throw literalPassword(path);
  if (!isNoeviction) {
    Annotations.of(scope).addWarningV2(
      `background-consumer:eviction-${pool.code}`,
      `${path}: a Redis server that evicts keys loses entries. Set maxmemory-policy to noeviction on the server, then set isNoeviction: true here.`,
    );
  }
  const address = {
    target: allowTarget(scope, network, pool, props),
    database: pool.database,
    namespace: pool.namespace,
    tls: props.tls ?? pool.tls,
    ...(pool.username === undefined ? {} : { username: pool.username }),
    ...secretOf(props),
  };
  return { address, secret };
}

/** Allows traffic from the poller to the server or the sentinels of a pool, and returns their address. */
function allowTarget(scope: Construct, network: Network, pool: RedisPool, props: ExistingRedisPool): object {
  const { code, target } = pool;
  const from = network.pollerSecurityGroup;
  const registered = target.kind === 'tcp' ? target : undefined;
  const host = props.host ?? registered?.host;
  if (host !== undefined) {
    const port = props.port ?? registered?.port ?? REDIS_PORT;
    allowServer(scope, from, { host, port }, props, {
      path: `redisPools.${code}`,
      name: `Redis pool ${code}`,
    });
    return { kind: 'tcp', host, port };
  }
  if (target.kind !== 'sentinel') throw unreachableSocket(`redisPools.${code}`);
  for (const { port } of target.sentinels) allowPort(from, port, props, `sentinels of ${code}`);
  // Only the sentinels know the host of the master, so its port is opened for any address.
  allowPort(from, props.port ?? REDIS_PORT, props, `master of ${code}`);
  return { kind: 'sentinel', master: target.master, sentinels: target.sentinels };
}
