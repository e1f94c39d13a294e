import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { withoutBody } from '../../functions/poller/redis/stream-entry.ts';
import { readNew, readPending } from '../../functions/poller/redis/stream-reads.ts';
import { openScene, type Scene } from '../kit/scene/scene.ts';

const STREAM = 'pages';
const LIMIT = { entries: 250, bytes: 32 << 20 };

async function fencedGroup({ redis }: Scene) {
  await redis.set('a lock', 'mine');
  await redis.xgroup('CREATE', STREAM, 'readers', '0', 'MKSTREAM');
  const named = { stream: STREAM, group: 'readers', consumer: 'one' };
  return { lockKey: 'a lock', lockValue: 'mine', ...named };
}

test('a page contains every field byte for byte, and also pending entries that were deleted', async () => {
  const scene = await openScene();
  const { redis } = scene;
  const group = await fencedGroup(scene);
  const bodies = [0, 1, 31, 32, 255, 256, 65_535, 65_536, 3_000_000].map((length) => randomBytes(length));
  const many = Array.from({ length: 3000 }, (_, index) => Buffer.from([index >> 8, index & 255, 0xff]));
  for (const body of bodies) await redis.xadd(STREAM, '*', 's', body, randomBytes(3), '');
  await redis.xadd(STREAM, '18446744073709551614-18446744073709551615', ...many);
  const page = await readNew(redis, group, LIMIT, '0-0');
  expect(page.map(({ fields }) => fields?.[0]?.[1])).toEqual([...bodies, many[1]]);
  expect(page.at(-1)).toMatchObject({ id: '18446744073709551614-18446744073709551615', earlierAttempts: 0 });
  expect(page.at(-1)?.fields?.flat()).toEqual(many);

  await redis.xdel(STREAM, page[2]?.id ?? '', page[8]?.id ?? '');
  const again = await readPending(redis, group, LIMIT, { after: '0', upTo: '+' }, 3);
  const deleted = again.filter(({ fields }) => fields === undefined);
  expect(deleted.map(({ id }) => id)).toEqual([page[2]?.id, page[8]?.id]);
  const kept = again.filter(({ fields }) => fields !== undefined);
  expect(kept.map(({ fields }) => fields)).toEqual(
    page.filter((_, index) => index !== 2 && index !== 8).map(({ fields }) => fields),
  );
  expect(kept.map(({ earlierAttempts }) => earlierAttempts)).toEqual(kept.map(() => 0));
  const [counted] = await readPending(redis, group, LIMIT, { after: '0', upTo: '+' }, 3);
  expect(counted).toMatchObject({ id: again[0]?.id, earlierAttempts: 1 });
  expect(await readPending(redis, group, LIMIT, { after: again.at(-1)?.id ?? '', upTo: '+' }, 3)).toEqual([]);
  expect(await readNew(redis, group, LIMIT, '0-0')).toEqual([]);
});

test('an entry without its body does not keep the rest of its page in memory', async () => {
  const scene = await openScene();
  const group = await fencedGroup(scene);
  await scene.redis.xadd(STREAM, '*', 's', 'small', 'tag', 'blue');
  for (let count = 0; count < 4; count++) await scene.redis.xadd(STREAM, '*', 's', randomBytes(1 << 20));
  const [small] = await readNew(scene.redis, group, LIMIT, '0-0');
  const kept = small === undefined ? undefined : withoutBody(small);
  expect(kept).toMatchObject({ id: small?.id, fields: [[Buffer.from('tag'), Buffer.from('blue')]] });
  for (const part of kept?.fields?.flat() ?? []) expect(part.buffer.byteLength).toBeLessThan(1 << 17);
});
