import { Redis, type RedisOptions } from 'ioredis';
import { onTestFinished } from 'vitest';
import { parseRegistry } from '../../../shared/registry/registry.ts';
import { encode } from '../generate/messagepack.ts';
import { LAZY, openScene, type Scene } from './scene.ts';

/**
 * Opens a scene whose Redis pool `default` is on another server. `pool` replaces the pool's line in the registry, for
 * example with `redis: 'localhost:6379:0:shop'`, and `otherPools` are added to the registry. The test's own connection
 * uses `client` instead of the registry, so that it sees the same as any other client.
 */
export async function openSceneInRedis(pool: string, client: RedisOptions, otherPools = ''): Promise<Scene> {
  const scene = await openScene();
  const ownPool = scene.registryYaml.replace(/^ {2}redis: .*$/m, pool.replace(/^/gm, '  '));
  const registryYaml = ownPool + otherPools;
  const redis = new Redis({ ...client, protocol: 2, replyMapping: 'legacy', retryStrategy: () => 50 });
  redis.on('error', () => {}); // Tests stop servers. Commands that fail meanwhile reject.
  onTestFinished(() => redis.disconnect());
  return {
    ...scene,
    registryYaml,
    registry: parseRegistry(registryYaml, 'registry.yaml'),
    redis,
    add: async (event, id = '*') => String(await redis.xadd(LAZY, id, 's', encode(event))),
  };
}
