import { readPoolSecret } from '../../../shared/aws/pool-secret.ts';
import type { SecretReader } from '../../../shared/aws/secret-reader.ts';
import type { PollerRegistry, RedisPool, RedisTarget } from '../../../shared/registry/types.ts';
import type { DeployedRedisPool, PollerConfiguration } from './configuration.ts';

type Deployed = Pick<PollerConfiguration, 'mysqlPools' | 'redisPools' | 'streams'>;

/**
 * Builds the registry of the deployed poller from its configuration and the secrets of its Redis pools.
 * @throws ConfigurationError or ConnectionError if a secret cannot be read
 */
export async function resolveRegistry(
  deployed: Deployed,
  secrets: SecretReader,
  options: { readonly isFresh: boolean },
): Promise<PollerRegistry> {
  const pools = Object.entries(deployed.redisPools).map(
    async ([code, pool]): Promise<[string, RedisPool]> => [
      code,
      await resolveRedisPool(code, pool, secrets, options),
    ],
  );
  return {
    mysqlPools: new Set(deployed.mysqlPools),
    redisPools: new Map(await Promise.all(pools)),
    streams: deployedStreams(deployed),
  };
}

export function deployedStreams({ streams }: Pick<Deployed, 'streams'>): PollerRegistry['streams'] {
  return new Map(
    Object.entries(streams).flatMap(([redisPool, ofPool]) =>
      Object.entries(ofPool).map(([name, groups]) => [name, { name, redisPool, groups }]),
    ),
  );
}

/** Returns true if both connect to the same servers in the same way. */
export function areSameRedisPools(one: PollerRegistry, other: PollerRegistry): boolean {
  return JSON.stringify([...one.redisPools]) === JSON.stringify([...other.redisPools]);
}

/** Combines the configuration of a deployed pool with its secret. */
export async function resolveRedisPool(
  code: string,
  { secret, isAddressGiven, target, ...pool }: DeployedRedisPool,
  secrets: SecretReader,
  options: { readonly isFresh: boolean },
): Promise<RedisPool> {
  const settings = { ...(secret === undefined ? {} : { secret }), isAddressGiven };
  const { host, port, user, password } = await readPoolSecret(secrets, settings, options);
  return {
    code,
    ...pool,
    target: withAddress(target, host, port),
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
  };
}

function withAddress(target: RedisTarget, host: string | undefined, port: number | undefined): RedisTarget {
  return target.kind === 'tcp' ? { ...target, host: host ?? target.host, port: port ?? target.port } : target;
}
