import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { EntryEvent, EntryRecord } from '../../functions/poller/channels/own-streams/entry-handler.ts';
import { encode } from '../kit/generate/messagepack.ts';
import { Random } from '../kit/generate/random.ts';
import { drainOwnStream, type OwnStreamScene, openOwnStreamScene } from '../kit/own-stream-scene.ts';

const TENANTS = ['a', 'b', 'c', 'd', 'e'];
const ENTRIES = 200;

/** A handler with random failures. It checks that the entries of each key are handled in order and one at a time. */
class Watcher {
  readonly doneByKey = new Map<string, string[]>();
  readonly violations: string[] = [];
  maxAtOnce = 0;
  doneCount = 0;
  retries = 0;
  readonly #random: Random;
  readonly #busy = new Set<string>();

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async handle({ Records }: EntryEvent): Promise<unknown> {
    const keys = Records.map(({ attributes }) => attributes.MessageGroupId ?? '');
    for (const key of keys) {
      if (this.#busy.has(key)) this.violations.push(`two entries of ${key} at once`);
      this.#busy.add(key);
    }
    this.maxAtOnce = Math.max(this.maxAtOnce, this.#busy.size);
    await sleep(this.#random.integer(0, 4));
    for (const key of keys) this.#busy.delete(key);
    if (this.#random.chance(0.1)) throw new Error('random failure of the batch');
    const failed = Records.filter(() => this.#random.chance(0.2));
    for (const record of Records) if (!failed.includes(record)) this.#done(record);
    this.retries += failed.length;
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  }

  #done({ attributes: { MessageGroupId: key = '' }, messageId }: EntryRecord): void {
    const done = this.doneByKey.get(key) ?? [];
    done.push(messageId);
    this.doneCount++;
    this.doneByKey.set(key, done);
  }
}

async function addRandom(scene: OwnStreamScene, random: Random): Promise<Map<string, string[]>> {
  const idsByKey = new Map<string, string[]>();
  for (let n = 0; n < ENTRIES; n++) {
    const tenant = random.pick(TENANTS);
    const id = await scene.add({ s: encode({ I: n, A: 'u', E: 'main.Order' }), tenant });
    idsByKey.set(tenant, [...(idsByKey.get(tenant) ?? []), id]);
  }
  return idsByKey;
}

test('entries with the same value of the ordering field are handled in order and one at a time, even across retries', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  const scene = await openOwnStreamScene();
  const idsByKey = await addRandom(scene, new Random(seed));
  const watcher = new Watcher(seed);
  const summary = await drainOwnStream(
    scene,
    {
      ordering: { field: 'tenant' },
      batchSize: 2,
      concurrency: 4,
      retries: 1000,
      backoffMs: 3,
      handler: (event) => watcher.handle(event),
    },
    30_000,
  );
  console.info(`seed ${seed}: ${ENTRIES} entries of ${TENANTS.length} keys, ${watcher.retries} retries`);
  expect(watcher.violations).toEqual([]);
  expect(Object.fromEntries(watcher.doneByKey)).toEqual(Object.fromEntries(idsByKey));
  expect(watcher.maxAtOnce).toBeGreaterThan(2);
  expect(summary).toMatchObject({ reason: 'drained' });
});

test("entries can be ordered by a member of their body, such as a dirty event's id", async () => {
  const scene = await openOwnStreamScene();
  for (const I of [1, 2, 1, 1, 2]) await scene.add({ s: encode({ I, A: 'u', E: 'main.Order' }) });
  const batches: string[][] = [];
  await drainOwnStream(scene, {
    ordering: { field: 's.I' },
    handler: ({ Records }) => {
      batches.push(Records.map(({ attributes }) => attributes.MessageGroupId ?? ''));
    },
  });
  expect(batches).toEqual([['1', '2'], ['1', '2'], ['1']]);
});

test('entries after a pending entry with the same key stay pending too, and the next drain handles them in order', async () => {
  const scene = await openOwnStreamScene();
  const ids = [];
  for (const tenant of ['a', 'b', 'a', 'a']) ids.push(await scene.add({ s: '1', tenant }));
  const handled: string[] = [];
  let isDown = true;
  const bound = {
    ordering: { field: 'tenant' },
    backoffMs: 60_000,
    handler: ({ Records }: EntryEvent) => {
      const failed = Records.filter(({ attributes }) => isDown && attributes.MessageGroupId === 'a');
      handled.push(...Records.filter((record) => !failed.includes(record)).map(({ messageId }) => messageId));
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    },
  };
  const startedAt = Date.now();
  expect(await drainOwnStream(scene, bound)).toMatchObject({ complete: false, reason: 'failed-entries' });
  expect(Date.now() - startedAt).toBeLessThan(5000);
  expect(handled).toEqual([ids[1]]);
  expect(await scene.pending()).toEqual({ [`${ids[0]}`]: 1, [`${ids[2]}`]: 0, [`${ids[3]}`]: 0 });
  isDown = false;
  expect(await drainOwnStream(scene, bound)).toMatchObject({ reason: 'drained' });
  expect(handled).toEqual([ids[1], ids[0], ids[2], ids[3]]);
});

test('lost connections to Redis lose no entry and keep the order: entries in flight are delivered again once they are handled', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  const scene = await openOwnStreamScene();
  const idsByKey = await addRandom(scene, new Random(seed));
  const watcher = new Watcher(seed);
  const draining = drainOwnStream(
    scene,
    {
      ordering: { field: 'tenant' },
      concurrency: 4,
      batchSize: 2,
      retries: 1000,
      backoffMs: 3,
      handler: (event) => watcher.handle(event),
    },
    30_000,
  );
  let lost = 0;
  while (watcher.doneCount < ENTRIES / 2) {
    await sleep(100);
    lost += await closeConnectionsOf(scene);
  }
  const summary = await draining;
  console.info(`seed ${seed}: ${lost} connections lost, ${watcher.retries} retries`);
  expect(lost).toBeGreaterThan(1);
  expect(watcher.violations).toEqual([]);
  const done = [...watcher.doneByKey].map(([key, ids]) => [
    key,
    ids.filter((id, index) => id !== ids[index - 1]),
  ]);
  expect(Object.fromEntries(done)).toEqual(Object.fromEntries(idsByKey));
  expect(summary).toMatchObject({ reason: 'drained' });
});

/** Closes all connections to the scene's database except the scene's own: those of the consumer. Returns their number. */
async function closeConnectionsOf({ redis }: OwnStreamScene): Promise<number> {
  const own = await redis.client('ID');
  const { db } = redis.options;
  let closed = 0;
  const clients = String(await redis.client('LIST')).split('\n');
  for (const client of clients) {
    const id = /(?:^| )id=(\d+)/.exec(client)?.[1];
    const isConsumer = client.includes(` db=${db} `) && Number(id) !== own;
    if (id !== undefined && isConsumer) closed += Number(await redis.client('KILL', 'ID', id));
  }
  return closed;
}
