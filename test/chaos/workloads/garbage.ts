import type { Redis } from 'ioredis';
import { encode } from '../../kit/generate/messagepack.ts';
import type { Random } from '../../kit/generate/random.ts';
import { CONSUMER_GROUP } from '../../kit/test-registry.ts';
import type { Application, MorePools } from '../chaos-servers.ts';
import { OWN_GROUPS } from './own-streams.ts';
import { ReaderGroup } from './reader-group.ts';
import { type CheckResult, findUnfinished, type Workload, withRedis } from './workload.ts';

const REQUESTS = 'orm-stream-garbage-collector';
export const PARCELS = 'parcels';
/** With the safeguard `groups` broken, the collector looks at this group only. */
export const PACKERS = 'packers';
/** Lags behind the packers. */
const DRIVERS = 'drivers';
const DEAD_LETTERS = `${PARCELS}:dead-letters`;
const DEAD_LETTER_COUNT = 25;

export const GARBAGE_POOLS: MorePools = {
  streams: { default: { [PARCELS]: [PACKERS, DRIVERS], [DEAD_LETTERS]: [PACKERS] } },
};

/** Parcels per entry of the other workloads: only long streams are trimmed in several steps. */
const PARCELS_PER_ENTRY = 20;
/** Some parcels are acknowledged only after this many later parcels have been added. */
const LEFT_OPEN_FOR = 300;

/**
 * A stream with two groups that the test reads at different speeds while the consumer trims the stream. The workload
 * also requests garbage collection for the streams of all other workloads, which notice entries that are trimmed too
 * early.
 */
export class Garbage implements Workload {
  readonly name = 'garbage';
  readonly hasMore = true;
  readonly #application: Application;
  readonly #random: Random;
  readonly #packers: ReaderGroup;
  readonly #drivers: ReaderGroup;
  #added = 0;
  #trimmedDuringRun = 0;

  private constructor(application: Application, random: Random) {
    this.#application = application;
    this.#random = random;
    this.#packers = new ReaderGroup(PARCELS, PACKERS);
    this.#drivers = new ReaderGroup(PARCELS, DRIVERS);
  }

  static async prepare(application: Application, random: Random): Promise<Garbage> {
    await withRedis(application, 'default', async (redis) => {
      for (const group of [PACKERS, DRIVERS]) await redis.xgroup('CREATE', PARCELS, group, '0', 'MKSTREAM');
      for (let code = 0; code < DEAD_LETTER_COUNT; code++) await redis.xadd(DEAD_LETTERS, '*', 'code', code);
      await redis.xgroup('CREATE', DEAD_LETTERS, PACKERS, '$');
    });
    return new Garbage(application, random);
  }

  async add(count: number): Promise<void> {
    const random = this.#random;
    await withRedis(this.#application, 'default', async (redis) => {
      await this.#addParcels(redis, count * PARCELS_PER_ENTRY);
      await this.#packers.read(redis, count * PARCELS_PER_ENTRY);
      const longAgo = this.#added - LEFT_OPEN_FOR;
      await this.#packers.acknowledge(redis, (number) => number % 13 !== 0 || number < longAgo);
      await this.#drivers.read(redis, random.integer(0, count * PARCELS_PER_ENTRY));
      await this.#drivers.acknowledge(redis, () => random.chance(0.9));
      await this.#requestCollection(redis);
    });
  }

  async addRemaining(): Promise<void> {
    await withRedis(this.#application, 'default', async (redis) => {
      this.#trimmedDuringRun = this.#added - (await redis.xlen(PARCELS));
      for (const group of [this.#packers, this.#drivers]) {
        await group.read(redis, this.#added + 1);
        await group.acknowledge(redis, () => true);
      }
      await this.#requestCollection(redis);
    });
  }

  check(): Promise<CheckResult> {
    return withRedis(this.#application, 'default', async (redis) => {
      const [remaining, deadLetters] = [await redis.xlen(PARCELS), await redis.xlen(DEAD_LETTERS)];
      const lostDeadLetters = DEAD_LETTER_COUNT - deadLetters;
      return {
        counts: { entries: this.#added, 'trimmed during the run': this.#trimmedDuringRun },
        differences: [
          ...this.#packers.differences(this.#added),
          ...this.#drivers.differences(this.#added),
          ...(remaining > 0
            ? [{ kind: 'unfinished', what: `${remaining} entries of ${PARCELS} were not trimmed` } as const]
            : []),
          ...(lostDeadLetters > 0
            ? [{ kind: 'lost', what: `${lostDeadLetters} dead letters` } as const]
            : []),
          ...(await findUnfinished(redis, REQUESTS, CONSUMER_GROUP)),
        ],
      };
    });
  }

  async #addParcels(redis: Redis, count: number): Promise<void> {
    const pipeline = redis.pipeline();
    for (let added = 0; added < count; added++) pipeline.xadd(PARCELS, '*', 'number', this.#added++);
    await pipeline.exec();
  }

  /** Deletes the keys that would otherwise keep collections at least half a minute apart. */
  async #requestCollection(redis: Redis): Promise<void> {
    const groups = [PACKERS, DRIVERS, CONSUMER_GROUP];
    const events = [
      ...groups.map((Group) => ({ Group, Pool: 'default' })),
      ...OWN_GROUPS.map((Group) => ({ Group, Pool: 'shop' })),
    ];
    await redis.del(...groups.map(collectionKey));
    await withRedis(this.#application, 'shop', (shop) => shop.del(...OWN_GROUPS.map(collectionKey)));
    for (const event of events) await redis.xadd(REQUESTS, '*', 's', encode(event));
  }
}

function collectionKey(group: string): string {
  return `${group}_gc`;
}
