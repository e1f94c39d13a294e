import { expect, test } from 'vitest';
import { ReaderGroup } from '../chaos/workloads/reader-group.ts';
import { openScene } from '../kit/scene/scene.ts';

/** A campaign with a thousand kills reads this many entries. */
const ENTRIES = 150_000;

test('a reader of the chaos campaign acknowledges more entries than fit on the call stack', async () => {
  const { redis } = await openScene();
  await redis.xgroup('CREATE', 'parcels', 'drivers', '0', 'MKSTREAM');
  for (let first = 0; first < ENTRIES; first += 10_000) {
    const pipeline = redis.pipeline();
    for (let number = first; number < first + 10_000; number++)
      pipeline.xadd('parcels', '*', 'number', number);
    await pipeline.exec();
  }
  const group = new ReaderGroup('parcels', 'drivers');
  await group.read(redis, ENTRIES);
  await group.acknowledge(redis, () => true);
  expect(group.differences(ENTRIES)).toEqual([]);
  const [pending] = await redis.xpending('parcels', 'drivers');
  expect(pending).toBe(0);
});
