import { expect, test } from 'vitest';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing } from '../kit/scene/events.ts';
import { LAZY, openScene } from '../kit/scene/scene.ts';

test('a Redis database that can not be selected is an error, and no other database is drained in its place', async () => {
  const scene = await openScene();
  await scene.add(insertThing('of another application'));
  const { database } = scene.servers.redis;
  const yaml = scene.registryYaml.replace(new RegExp(`(redis: \\S+):${database}$`, 'm'), '$1:99999999');
  const registry = parseRegistry(yaml, 'registry.yaml');
  await expect(drainScene(scene, { registry, budgetMs: 2000 })).rejects.toMatchObject({
    name: 'ConnectionError',
    message: expect.stringContaining("Redis pool 'default'"),
  });
  expect(await scene.redis.keys('*')).toEqual([LAZY]);
});
