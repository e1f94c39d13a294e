import { existsSync, readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { Difference } from '../../kit/difference.ts';
import type { Random } from '../../kit/generate/random.ts';
import type { Application, MorePools } from '../chaos-servers.ts';
import { handledSchema, type Order } from '../own-handler.ts';
import { type Examination, type Subject, unfinished, withRedis } from './workload.ts';

const ORDERS = 'order-placed';
/** Its entries of one tenant come one after another. */
const MAILER = 'mailer';
const AUDITOR = 'auditor';
export const OWN_GROUPS = [MAILER, AUDITOR] as const;

export const OWN_POOLS: MorePools = { streams: { shop: { [ORDERS]: OWN_GROUPS } } };

const ORDER_FIELD = 'tenant';
const TENANTS = 6;

const common = {
  stream: ORDERS,
  handler: { kind: 'module', path: `${import.meta.dirname}/../own-handler.ts` },
  batchSize: 4,
  concurrency: 3,
  // More than kills between two quiet drains can use up: what succeeds is never given up.
  retries: 12,
  backoffMs: 0,
};
/** To be checked as any file of bindings is. */
export const BINDINGS = {
  bindings: [
    { ...common, group: MAILER, ordering: { field: ORDER_FIELD } },
    { ...common, group: AUDITOR, windowMs: 5 },
  ],
};

const BEHAVIOURS: readonly (readonly [weight: number, behaviour: Order['behaviour']])[] = [
  [84, 'succeeds'],
  [7, 'fails once'],
  [5, 'throws once'],
  [2, 'fails'],
  [2, 'throws'],
];

interface Added extends Order {
  readonly id: string;
  readonly tenant: string;
}

/** A stream whose two groups are bound to a module. */
export class OwnStreams implements Subject {
  readonly name = 'own streams';
  readonly hasMore = true;
  readonly #application: Application;
  readonly #random: Random;
  readonly #handledFile: string;
  readonly #added: Added[] = [];

  constructor(application: Application, random: Random, handledFile: string) {
    this.#application = application;
    this.#random = random;
    this.#handledFile = handledFile;
  }

  async add(count: number): Promise<void> {
    await withRedis(this.#application, 'shop', async (redis) => {
      for (let left = count; left > 0; left--) this.#added.push(await this.#addOne(redis));
    });
  }

  addLast(): Promise<void> {
    return this.add(1);
  }

  examine(): Promise<Examination> {
    return withRedis(this.#application, 'shop', async (redis) => {
      const letters = await readLetters(redis);
      const handled = readHandled(this.#handledFile);
      const ofGroups = OWN_GROUPS.map((group) => {
        const numbers = handled
          .filter(({ source }) => source.endsWith(`:${group}`))
          .map(({ number }) => number);
        return this.#differencesOf(
          group,
          numbers,
          letters.filter((letter) => letter.group === group),
        );
      });
      return {
        counts: { entries: this.#added.length, handled: handled.length, 'dead letters': letters.length },
        differences: [
          ...ofGroups.flat(),
          ...(await Promise.all(OWN_GROUPS.map((group) => unfinished(redis, ORDERS, group)))).flat(),
        ],
      };
    });
  }

  async #addOne(redis: Redis): Promise<Added> {
    const number = this.#added.length;
    const behaviour = this.#random.pickWeighted(BEHAVIOURS);
    const tenant = String(this.#random.integer(1, TENANTS));
    const id = await redis.xadd(ORDERS, '*', 's', JSON.stringify({ number, behaviour }), ORDER_FIELD, tenant);
    return { number, behaviour, tenant, id: String(id) };
  }

  /** `handled`: numbers, in the order in which they were handled, some of them again. */
  #differencesOf(group: string, handled: readonly number[], letters: readonly Letter[]): Difference[] {
    const lettersOf = Map.groupBy(letters, ({ entry }) => entry);
    const times = new Set(handled);
    const ofEntries = this.#added.flatMap(({ id, number, behaviour }): Difference[] => {
      const what = `entry ${number} of group ${group}, which ${behaviour}`;
      const its = lettersOf.get(id) ?? [];
      if (its.length > 1) return [{ kind: 'doubled', what: `dead letter of ${what}` }];
      const isHopeless = behaviour === 'fails' || behaviour === 'throws';
      if (its.length === 0) return times.has(number) ? [] : [{ kind: 'lost', what }];
      // An attempt that was begun and never answered may have been one that nobody else knows of.
      if (isHopeless || its[0]?.code === 'no-answer') return [];
      return [{ kind: 'unexpected', what: `dead letter of ${what}` }];
    });
    return [...ofEntries, ...(group === MAILER ? this.#outOfOrder(handled) : [])];
  }

  /** By when each entry was handled first: what comes again after that is the same work. */
  #outOfOrder(handled: readonly number[]): Difference[] {
    const firsts = [...new Set(handled)];
    return [...Map.groupBy(firsts, (number) => this.#added[number]?.tenant).entries()].flatMap(
      ([tenant, numbers]) =>
        numbers.flatMap((number, place): Difference[] => {
          const before = numbers[place - 1] ?? -1;
          if (before < number) return [];
          return [{ kind: 'out of order', what: `entry ${number} of tenant ${tenant} after ${before}` }];
        }),
    );
  }
}

interface Letter {
  readonly group: string;
  readonly entry: string;
  readonly code: string;
}

async function readLetters(redis: Redis): Promise<Letter[]> {
  const entries = await redis.xrange(`${ORDERS}:dead-letters`, '-', '+');
  return entries.map(([, fields]) => {
    const value = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
    return { group: value('group'), entry: value('entry'), code: value('code') };
  });
}

function readHandled(file: string) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  return lines.map((line) => handledSchema.parse(JSON.parse(line)));
}
