import { expect, test } from 'vitest';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing } from '../../kit/scene/events.ts';
import { pendingEntries, thingNames } from '../../kit/scene/inspect-scene.ts';
import { pruneFirst } from '../../kit/scene/prune-ledger.ts';
import { openRestrictedScene } from '../../kit/scene/restricted-scene.ts';
import { GROUP, LAZY, LOCK_KEY, openScene } from '../../kit/scene/scene.ts';

test('a drain of a group that was rewound to entries with pruned ledger rows stops, and reports the command that fixes it', async () => {
  const scene = await openScene();
  const prunedId = await pruneFirst(scene);
  await scene.redis.xgroup('SETID', LAZY, GROUP, '0');
  const summary = await drainScene(scene);
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
  expect(summary.message).toContain(`up to ${prunedId} were applied and their ledger rows are deleted`);
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
  expect(await scene.redis.exists(LOCK_KEY)).toBe(0);
  const command = /XGROUP SETID (\S+) ([\d-]+)/.exec(summary.message ?? '');
  await scene.redis.xgroup('SETID', command?.[1] ?? '', GROUP, command?.[2] ?? '');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});

test('entries that cannot be given back stay pending instead of being acknowledged', async () => {
  const scene = await openRestrictedScene();
  await pruneFirst(scene);
  await scene.redis.xgroup('SETID', LAZY, GROUP, '0');
  const unread = await scene.add(insertThing('four'));
  await scene.allow(['~*', '+@all', '-xgroup|setid']);
  expect(await drainScene(scene)).toMatchObject({ complete: false, reason: 'pool-down' });
  const pending = await pendingEntries(scene);
  expect(pending).toHaveLength(4);
  expect(pending.at(-1)?.id).toBe(unread);
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});
