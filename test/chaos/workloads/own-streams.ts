import { existsSync, readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { Difference } from '../../kit/difference.ts';
import type { Random } from '../../kit/generate/random.ts';
import type { Application, MorePools } from '../chaos-servers.ts';
import { type EntryBody, handledSchema } from '../own-handler.ts';
import { type CheckResult, findUnfinished, type Workload, withRedis } from './workload.ts';

const ORDERS = 'order-placed';
/** Handles the entries of each tenant in order. */
const MAILER = 'mailer';
const AUDITOR = 'auditor';
export const OWN_GROUPS = [MAILER, AUDITOR] as const;

export const OWN_POOLS: MorePools = { streams: { shop: { [ORDERS]: OWN_GROUPS } } };

const ORDERING_FIELD = 'tenant';
const TENANTS = 6;

const COMMON = {
  stream: ORDERS,
  handler: { kind: 'module', path: `${import.meta.dirname}/../own-handler.ts` },
  batchSize: 4,
  concurrency: 3,
  // More than kills in a row can use up, so that an entry whose handler succeeds never becomes a dead letter.
  retries: 12,
  backoffMs: 0,
};
/** Validated by the consumer like any file of bindings. */
export const BINDINGS = {
  bindings: [
    { ...COMMON, group: MAILER, ordering: { field: ORDERING_FIELD } },
    { ...COMMON, group: AUDITOR, windowMs: 5 },
  ],
};

const BEHAVIORS: readonly (readonly [weight: number, behavior: EntryBody['behavior']])[] = [
  [84, 'succeeds'],
  [7, 'fails once'],
  [5, 'throws once'],
  [2, 'fails'],
  [2, 'throws'],
];

interface AddedEntry {
  readonly id: string;
  readonly tenant: string;
  readonly body: EntryBody;
}

/** A stream of the application, with two groups that are bound to a module. */
export class OwnStreams implements Workload {
  readonly name = 'own streams';
  readonly hasMore = true;
  readonly #application: Application;
  readonly #random: Random;
  readonly #handledFile: string;
  readonly #added: AddedEntry[] = [];

  constructor(application: Application, random: Random, handledFile: string) {
    this.#application = application;
    this.#random = random;
    this.#handledFile = handledFile;
  }

  async add(count: number): Promise<void> {
    await withRedis(this.#application, 'shop', async (redis) => {
      for (let added = 0; added < count; added++) this.#added.push(await this.#addOne(redis));
    });
  }

  addRemaining(): Promise<void> {
    return this.add(1);
  }

  check(): Promise<CheckResult> {
    return withRedis(this.#application, 'shop', async (redis) => {
      const deadLetters = await readDeadLetters(redis);
      const handled = readHandled(this.#handledFile);
      const byGroup = OWN_GROUPS.map((group) => {
        const numbers = handled
          .filter(({ source }) => source.endsWith(`:${group}`))
          .map(({ number }) => number);
        return this.#differencesOf(
          group,
          numbers,
          deadLetters.filter((deadLetter) => deadLetter.group === group),
        );
      });
      return {
        counts: {
          entries: this.#added.length,
          handled: handled.length,
          'dead letters': deadLetters.length,
        },
        differences: [
          ...byGroup.flat(),
          ...(await Promise.all(OWN_GROUPS.map((group) => findUnfinished(redis, ORDERS, group)))).flat(),
        ],
      };
    });
  }

  async #addOne(redis: Redis): Promise<AddedEntry> {
    const number = this.#added.length;
    const behavior = this.#random.pickWeighted(BEHAVIORS);
    const tenant = String(this.#random.integer(1, TENANTS));
    const body = { number, behavior };
    const id = await redis.xadd(ORDERS, '*', 's', JSON.stringify(body), ORDERING_FIELD, tenant);
    return { id: String(id), tenant, body };
  }

  /** `handled`: entry numbers in the order in which they were handled. Some entries are handled repeatedly. */
  #differencesOf(
    group: string,
    handled: readonly number[],
    deadLetters: readonly DeadLetter[],
  ): Difference[] {
    const deadLettersById = Map.groupBy(deadLetters, ({ entry }) => entry);
    const handledNumbers = new Set(handled);
    const differences = this.#added.flatMap(({ id, body: { number, behavior } }): Difference[] => {
      const what = `entry ${number} of group ${group}, which ${behavior}`;
      const [deadLetter, ...duplicates] = deadLettersById.get(id) ?? [];
      if (duplicates.length > 0) return [{ kind: 'duplicated', what: `dead letter of ${what}` }];
      if (deadLetter === undefined) return handledNumbers.has(number) ? [] : [{ kind: 'lost', what }];
      const alwaysFails = behavior === 'fails' || behavior === 'throws';
      // Attempts that never got an answer are counted too. The kills cause them, not the behavior of the entry.
      if (alwaysFails || deadLetter.code === 'no-answer') return [];
      return [{ kind: 'unexpected', what: `dead letter of ${what}` }];
    });
    return [...differences, ...(group === MAILER ? this.#outOfOrder(handled) : [])];
  }

  /** Compares when each entry was handled first. Handling it again later is a retry and no violation of the order. */
  #outOfOrder(handled: readonly number[]): Difference[] {
    const firsts = [...new Set(handled)];
    return [...Map.groupBy(firsts, (number) => this.#added[number]?.tenant).entries()].flatMap(
      ([tenant, numbers]) =>
        numbers.flatMap((number, index): Difference[] => {
          const previous = numbers[index - 1] ?? -1;
          if (previous < number) return [];
          return [{ kind: 'out of order', what: `entry ${number} of tenant ${tenant} after ${previous}` }];
        }),
    );
  }
}

interface DeadLetter {
  readonly group: string;
  readonly entry: string;
  readonly code: string;
}

async function readDeadLetters(redis: Redis): Promise<DeadLetter[]> {
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
