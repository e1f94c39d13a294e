import { Annotations, type RemovalPolicy } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { RedisPool } from '../../shared/registry/types.ts';
import { CreatedRedis } from './created-redis.ts';
import type { Network } from './network.ts';
import { propsError } from './problems.ts';
import type { ExistingRedisPool, RedisPoolProps } from './props.ts';
import { openForServer, openPort, secretOf, unreachableSocket } from './server-access.ts';

const REDIS_PORT = 6379;
const CREATED_DATABASES = 16;

/** What the poller is told of a pool, before it has become JSON: ports may be tokens, as text. */
export interface BoundRedisPool {
  readonly address: object;
  readonly secret: ISecret | undefined;
}

/** Makes or opens the server of one Redis pool. */
export function bindRedisPool(
  scope: Construct,
  network: Network,
  pool: RedisPool,
  props: RedisPoolProps,
  removal: RemovalPolicy,
): BoundRedisPool {
  const { database, namespace } = pool;
  if (props.kind === 'existing') return bindExisting(scope, network, pool, props);
  if (database >= CREATED_DATABASES) {
    const problem = `the registry names database ${database}, but ElastiCache has 0 to ${CREATED_DATABASES - 1}`;
    throw propsError(`redisPools.${pool.code}`, problem);
  }
  const { host, port, secret } = new CreatedRedis(scope, `Redis-${pool.code}`, network, props, removal);
  const target = { kind: 'tcp', host, port };
  return { address: { target, database, namespace, tls: true, secret: secret.secretArn }, secret };
}

function bindExisting(
  scope: Construct,
  network: Network,
  pool: RedisPool,
  props: ExistingRedisPool,
): BoundRedisPool {
  const { secret, isNoeviction = false } = props;
  const path = `redisPools.${pool.code}`;
  if (pool.password !== undefined && secret === undefined) throw literalPassword(path);
  if (!isNoeviction) {
    Annotations.of(scope).addWarningV2(
      `background-consumer:eviction-${pool.code}`,
      `${path}: a Redis that evicts keys loses entries. Set its maxmemory-policy to noeviction, then isNoeviction: true.`,
    );
  }
  const address = {
    target: openTarget(scope, network, pool, props),
    database: pool.database,
    namespace: pool.namespace,
    tls: props.tls ?? pool.tls,
    ...(pool.username === undefined ? {} : { username: pool.username }),
    ...secretOf(props),
  };
  return { address, secret };
}

function openTarget(scope: Construct, network: Network, pool: RedisPool, props: ExistingRedisPool): object {
  const { code, target } = pool;
  const from = network.pollerSecurityGroup;
  const named = target.kind === 'tcp' ? target : undefined;
  const host = props.host ?? named?.host;
  if (host !== undefined) {
    const port = props.port ?? named?.port ?? REDIS_PORT;
    openForServer(scope, from, { host, port }, props, {
      path: `redisPools.${code}`,
      name: `Redis pool ${code}`,
    });
    return { kind: 'tcp', host, port };
  }
  if (target.kind !== 'sentinel') throw unreachableSocket(`redisPools.${code}`);
  for (const { port } of target.sentinels) openPort(from, port, props, `sentinels of ${code}`);
  // Where the master is only the sentinels know.
  openPort(from, props.port ?? REDIS_PORT, props, `master of ${code}`);
  return { kind: 'sentinel', master: target.master, sentinels: target.sentinels };
}

/** Passwords never reach a template; where one stands in the registry, a secret must stand for it. */
export function literalPassword(path: string): Error {
  return propsError(
    `${path}.secret`,
    'is missing, and the registry holds a password, which is not deployed',
    `Move it into a secret: aws secretsmanager create-secret --name NAME --secret-string '{"username":"…","password":"…"}', then give it here: as secretArn in a deployment file, as secret to the construct.`,
  );
}
