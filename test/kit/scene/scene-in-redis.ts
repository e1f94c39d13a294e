import { Redis, type RedisOptions } from 'ioredis';
import { onTestFinished } from 'vitest';
import { parseRegistry } from '../../../shared/registry/registry.ts';
import { encode } from '../generate/messagepack.ts';
import { LAZY, openScene, type Scene } from './scene.ts';

/**
 * A scene whose Redis pool `default` stands elsewhere: as lines of its part of the registry, such as
 * `redis: 'localhost:6379:0:shop'`; `otherPools` are added to the registry. Its test connects in a way of its own, so that what it sees is what any client would.
 */
export async function openSceneInRedis(pool: string, client: RedisOptions, otherPools = ''): Promise<Scene> {
  const scene = await openScene();
  const ownPool = scene.registryYaml.replace(/^ {2}redis: .*$/m, pool.replace(/^/gm, '  '));
  const registryYaml = ownPool + otherPools;
  const redis = new Redis({ ...client, protocol: 2, replyMapping: 'legacy', retryStrategy: () => 50 });
  redis.on('error', () => {}); // Tests stop servers; who asks meanwhile is told.
  onTestFinished(() => redis.disconnect());
  return {
    ...scene,
    registryYaml,
    registry: parseRegistry(registryYaml, 'registry.yaml'),
    redis,
    add: async (event, id = '*') => String(await redis.xadd(LAZY, id, 's', encode(event))),
  };
}
