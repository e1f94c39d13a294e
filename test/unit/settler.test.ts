import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { DrainBudget } from '../../functions/poller/budget.ts';
import type { Settlement, SettlementResult } from '../../functions/poller/redis/settle-script.ts';
import { RefusalLog } from '../../functions/poller/settlement/refusal-log.ts';
import {
  SettlementOrder,
  type SettlementTicket,
} from '../../functions/poller/settlement/settlement-order.ts';
import { Settler } from '../../functions/poller/settlement/settler.ts';
import { Random } from '../kit/generate/random.ts';
import { silentLogger } from '../kit/scene/drain-scene.ts';

const TRIALS = 300;
const NAMES = ['User', 'Order', 'Blob'];

/** Fakes the settlement in Redis. An entry can be unwritable once, and then defers the later entries of its lines. */
class FakeRedis {
  readonly settled: string[] = [];
  readonly #unwritable: Set<string>;

  constructor(unwritable: readonly string[]) {
    this.#unwritable = new Set(unwritable);
  }

  readonly settle = async (
    _redis: Redis,
    settlements: readonly Settlement[],
  ): Promise<SettlementResult[]> => {
    await new Promise((resolve) => setImmediate(resolve));
    const stuck = new Set<string>();
    return settlements.map(({ id, orderedBy = [] }) => {
      const isDeferred = orderedBy.some((queue) => stuck.has(queue));
      const isUnwritable = !isDeferred && this.#unwritable.delete(id);
      if (isDeferred || isUnwritable) for (const queue of orderedBy) stuck.add(queue);
      if (isDeferred) return { kind: 'deferred' };
      if (isUnwritable) return { kind: 'unwritable', publications: [0] };
      this.settled.push(id);
      return { kind: 'settled' };
    });
  };
}

test('a call contains a limited number of effects, but an entry that exceeds the limit still joins the current call', async () => {
  const sizes = [1, 40_000, ...Array.from({ length: 30 }, () => 1000)];
  const calls: number[] = [];
  const budget = new DrainBudget(60_000);
  const settler = new Settler({
    ...{ redis: new Redis({ lazyConnect: true }), budget, pool: 'default', logger: silentLogger },
    refusals: new RefusalLog(silentLogger),
    settle: async (_redis, settlements) => {
      calls.push(settlements.reduce((sum, { cacheKeys }) => sum + cacheKeys.length, 0));
      return settlements.map(() => ({ kind: 'settled' }));
    },
  });
  const settlements = sizes.map((size, index): Settlement => {
    const cacheKeys = Array.from({ length: size }, () => Buffer.from('key'));
    return { stream: 's', group: 'g', id: `${index}-0`, cacheKeys, publications: [], deadLetter: undefined };
  });
  await Promise.all(settlements.map((settlement) => settler.settle(settlement)));
  budget.close();
  expect(calls).toEqual([40_001, 5000, 5000, 5000, 5000, 5000, 5000]);
});

interface Entry {
  readonly id: string;
  readonly names: ReadonlySet<string>;
  /** The entry never reaches its settlement. */
  readonly staysPending: boolean;
}

test('entries settle in the order of their lines, whenever they arrive, and a pending entry keeps all later ones pending', async () => {
  const seed = Date.now() & 0x7fffffff;
  const random = new Random(seed);
  let settledInAll = 0;
  let pendingInAll = 0;
  for (let trial = 0; trial < TRIALS; trial++) {
    const entries = generate(random, trial % 2 === 0);
    const fake = new FakeRedis(entries.filter(() => random.chance(0.1)).map(({ id }) => id));
    const outcomes = await settleAll(entries, fake, random);
    for (const name of NAMES) {
      const inQueue = entries.filter(({ names }) => names.has(name)).map(({ id }) => id);
      const settled = fake.settled.filter((id) => inQueue.includes(id));
      // The settled entries are the first ones of the queue, in its order, without a gap: none follows a pending entry.
      expect(settled, `seed ${seed}, trial ${trial}`).toEqual(inQueue.slice(0, settled.length));
    }
    const free = entries.filter(({ names, staysPending }) => names.size === 0 && !staysPending);
    for (const { id } of free) expect(fake.settled).toContain(id);
    expect(fake.settled.length).toBe(outcomes.filter((outcome) => outcome === 'settled').length);
    if (entries.every(({ staysPending }) => !staysPending)) expect(fake.settled).toHaveLength(entries.length);
    settledInAll += fake.settled.length;
    pendingInAll += entries.length - fake.settled.length;
  }
  console.log(`settler: seed ${seed}, ${TRIALS} trials, ${settledInAll} settled, ${pendingInAll} pending`);
  expect(pendingInAll).toBeGreaterThan(0);
});

function generate(random: Random, somePending: boolean): Entry[] {
  return Array.from({ length: random.integer(1, 30) }, (_, index) => ({
    id: `${index + 1}-0`,
    names: new Set(NAMES.filter(() => random.chance(0.3))),
    staysPending: somePending && random.chance(0.1),
  }));
}

/** Settles the entries in a random order, each in the same way as `EntryEffects`. */
async function settleAll(entries: readonly Entry[], fake: FakeRedis, random: Random): Promise<string[]> {
  const redis = new Redis({ lazyConnect: true });
  const budget = new DrainBudget(60_000);
  const settler = new Settler({
    ...{ redis, budget, pool: 'default', logger: silentLogger, settle: fake.settle },
    refusals: new RefusalLog(silentLogger),
  });
  const settlementOrder = new SettlementOrder();
  const tickets = entries.map(({ names }) =>
    names.size === 0 ? undefined : settlementOrder.takeTicket(names),
  );
  const order = entries.map((entry, index) => ({
    entry,
    ticket: tickets[index],
    at: random.integer(0, 1000),
  }));
  order.sort((one, other) => one.at - other.at);
  const runs = order.map(async ({ entry, ticket }, index) => {
    for (let turn = 0; turn < index % 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    try {
      return entry.staysPending ? 'pending' : await settleOne(settler, entry, ticket);
    } finally {
      if (ticket !== undefined) settler.leave(ticket);
    }
  });
  const outcomes = await Promise.all(runs);
  budget.close();
  redis.disconnect();
  return outcomes;
}

async function settleOne(
  settler: Settler,
  { id }: Entry,
  ticket: SettlementTicket | undefined,
): Promise<string> {
  const settlement: Settlement = {
    ...{ stream: 's', group: 'g', id },
    ...{ cacheKeys: [], publications: [], deadLetter: undefined },
  };
  let result = await settler.settle(settlement, ticket);
  if (result.kind === 'unwritable') result = await settler.settle(settlement, ticket);
  return result.kind;
}
