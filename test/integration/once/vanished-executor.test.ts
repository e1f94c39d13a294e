import { expect, test } from 'vitest';
import { parseRegistry } from '../../../shared/registry/registry.ts';
import { Breakpoint } from '../../kit/scene/breakpoint.ts';
import { drainUntilPaused } from '../../kit/scene/drain-in-process.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { countUp, insertThing, lazyEvent } from '../../kit/scene/events.ts';
import { thingCounts, thingNames } from '../../kit/scene/inspect-scene.ts';
import { LOCK_KEY, openScene } from '../../kit/scene/scene.ts';
import { startTcpProxy } from '../../kit/scene/tcp-proxy.ts';

/** An executor goes away inside a transaction, holding the fence, its claim and rows. */

test.each(['executed', 'recorded'])(
  'after an executor is killed in a transaction that has %s its batch the next run does it at once',
  async (point) => {
    const scene = await openScene();
    await scene.add(insertThing('one'));
    const child = await drainUntilPaused(scene, `executor ${point}`);
    child.kill('SIGKILL');
    await scene.redis.del(LOCK_KEY);
    const summary = await drainScene(scene);
    expect(summary).toMatchObject({ complete: true });
    expect(summary.seconds).toBeLessThan(8);
    expect(await thingNames(scene)).toEqual(['one']);
  },
);

test('after an executor is killed behind its COMMIT the next run finds its batch done', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  await scene.add(lazyEvent([countUp(1)]));
  const child = await drainUntilPaused(scene, 'executor committed');
  child.kill('SIGKILL');
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual([1]);
});

test('an executor whose network swallows everything holds the next run up for seconds, not for hours', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  await scene.add(lazyEvent([countUp(1)]));
  const proxy = await startTcpProxy(scene.servers.mysql);
  const behindProxy = scene.registryYaml.replaceAll(`:${scene.servers.mysql.port})`, `:${proxy.port})`);
  const breakpoint = new Breakpoint();
  const vanished = drainScene(
    { ...scene, registry: parseRegistry(behindProxy, 'registry.yaml') },
    { budgetMs: 3000, executorFailpoint: (point) => (point === 'executed' ? breakpoint.pause() : undefined) },
  );
  await breakpoint.reached;
  proxy.block();
  breakpoint.resume();
  await vanished;
  await scene.redis.del(LOCK_KEY);
  const summary = await drainScene(scene, { budgetMs: 40_000 });
  expect(summary).toMatchObject({ complete: true });
  expect(summary.seconds).toBeLessThan(25);
  expect(await thingCounts(scene)).toEqual([1]);
});
