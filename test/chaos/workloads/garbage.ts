import type { Redis } from 'ioredis';
import { encode } from '../../kit/generate/messagepack.ts';
import type { Random } from '../../kit/generate/random.ts';
import { CONSUMER_GROUP } from '../../kit/test-registry.ts';
import type { Application, MorePools } from '../chaos-servers.ts';
import { OWN_GROUPS } from './own-streams.ts';
import { GroupOfReaders } from './reader-group.ts';
import { type Examination, type Subject, unfinished, withRedis } from './workload.ts';

const REQUESTS = 'orm-stream-garbage-collector';
export const PARCELS = 'parcels';
/** The group that the broken collector looks at, and one that lags behind it. */
export const PACKERS = 'packers';
const DRIVERS = 'drivers';
const LETTERS = `${PARCELS}:dead-letters`;
const LETTER_COUNT = 25;

export const GARBAGE_POOLS: MorePools = {
  streams: { default: { [PARCELS]: [PACKERS, DRIVERS], [LETTERS]: [PACKERS] } },
};

/** Entries of {@link PARCELS} for each one that other subjects add: trimming has steps only where there are many. */
const PARCELS_EACH = 20;
/** So many more are added before the last ones are acknowledged that were read. */
const LEFT_OPEN_FOR = 300;

/**
 * Two groups that the tests read by themselves, at different speeds, while their stream is trimmed. Collections are asked
 * for the streams of all other subjects too: what is trimmed there too early, they miss.
 */
export class Garbage implements Subject {
  readonly name = 'garbage';
  readonly hasMore = true;
  readonly #application: Application;
  readonly #random: Random;
  readonly #packers: GroupOfReaders;
  readonly #drivers: GroupOfReaders;
  #added = 0;
  #trimmedUnderWay = 0;

  private constructor(application: Application, random: Random) {
    this.#application = application;
    this.#random = random;
    this.#packers = new GroupOfReaders(PARCELS, PACKERS);
    this.#drivers = new GroupOfReaders(PARCELS, DRIVERS);
  }

  static async prepare(application: Application, random: Random): Promise<Garbage> {
    await withRedis(application, 'default', async (redis) => {
      for (const group of [PACKERS, DRIVERS]) await redis.xgroup('CREATE', PARCELS, group, '0', 'MKSTREAM');
      for (let letter = 0; letter < LETTER_COUNT; letter++) await redis.xadd(LETTERS, '*', 'code', letter);
      await redis.xgroup('CREATE', LETTERS, PACKERS, '$');
    });
    return new Garbage(application, random);
  }

  async add(count: number): Promise<void> {
    const random = this.#random;
    await withRedis(this.#application, 'default', async (redis) => {
      await this.#addParcels(redis, count * PARCELS_EACH);
      await this.#packers.read(redis, count * PARCELS_EACH);
      const longAgo = this.#added - LEFT_OPEN_FOR;
      await this.#packers.acknowledge(redis, (number) => number % 13 !== 0 || number < longAgo);
      await this.#drivers.read(redis, random.integer(0, count * PARCELS_EACH));
      await this.#drivers.acknowledge(redis, () => random.chance(0.9));
      await this.#request(redis);
    });
  }

  async addLast(): Promise<void> {
    await withRedis(this.#application, 'default', async (redis) => {
      this.#trimmedUnderWay = this.#added - (await redis.xlen(PARCELS));
      for (const group of [this.#packers, this.#drivers]) {
        await group.read(redis, this.#added + 1);
        await group.acknowledge(redis, () => true);
      }
      await this.#request(redis);
    });
  }

  examine(): Promise<Examination> {
    return withRedis(this.#application, 'default', async (redis) => {
      const [left, letters] = [await redis.xlen(PARCELS), await redis.xlen(LETTERS)];
      const lostLetters = LETTER_COUNT - letters;
      return {
        counts: { entries: this.#added, 'trimmed under way': this.#trimmedUnderWay },
        differences: [
          ...this.#packers.differences(this.#added),
          ...this.#drivers.differences(this.#added),
          ...(left > 0
            ? [{ kind: 'unfinished', what: `${left} entries of ${PARCELS} are left` } as const]
            : []),
          ...(lostLetters > 0 ? [{ kind: 'lost', what: `${lostLetters} dead letters` } as const] : []),
          ...(await unfinished(redis, REQUESTS, CONSUMER_GROUP)),
        ],
      };
    });
  }

  async #addParcels(redis: Redis, count: number): Promise<void> {
    const pipeline = redis.pipeline();
    for (let left = count; left > 0; left--) pipeline.xadd(PARCELS, '*', 'number', this.#added++);
    await pipeline.exec();
  }

  /** Without the keys that would keep collections half a minute apart. */
  async #request(redis: Redis): Promise<void> {
    const groups = [PACKERS, DRIVERS, CONSUMER_GROUP];
    const events = [
      ...groups.map((Group) => ({ Group, Pool: 'default' })),
      ...OWN_GROUPS.map((Group) => ({ Group, Pool: 'shop' })),
    ];
    await redis.del(...groups.map(keyOf));
    await withRedis(this.#application, 'shop', (shop) => shop.del(...OWN_GROUPS.map(keyOf)));
    for (const event of events) await redis.xadd(REQUESTS, '*', 's', encode(event));
  }
}

function keyOf(group: string): string {
  return `${group}_gc`;
}
