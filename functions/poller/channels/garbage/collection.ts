import type { Redis } from 'ioredis';
import { deadLetterStream } from '../../../../shared/dead-letter.ts';
import type { AbsentGroups } from '../../../../shared/drain-rules.ts';
import { errorFields } from '../../../../shared/logging.ts';
import { garbageCollectionKey, namespaced } from '../../../../shared/registry/beeorm-names.ts';
import type { RedisPool, StreamDefinition } from '../../../../shared/registry/types.ts';
import type { GarbageEvent } from '../../../../shared/wire/garbage-event.ts';
import { connectRedis } from '../../redis/connection.ts';
import { setIfAbsent } from '../../redis/set-if-absent.ts';
import type { ChannelContext } from '../channel.ts';
import { type TrimmedStream, trimStep } from './trim-step.ts';

/** Minimum time between two collections of a group, by any consumer. BeeORM's time to live for the key. */
const KEY_TTL_SECONDS = 30;

/** Deletes, from all streams of a group in one Redis pool, the entries that every group of the stream has handled. */
export class GarbageCollection {
  readonly #context: ChannelContext;
  readonly #event: GarbageEvent;
  readonly #pool: RedisPool;
  readonly #absentGroups: AbsentGroups;
  /** When the key was taken: milliseconds since 1970. */
  #takenAt: number | undefined;
  #trimmed = 0;

  constructor(context: ChannelContext, event: GarbageEvent, pool: RedisPool, absentGroups: AbsentGroups) {
    this.#context = context;
    this.#event = event;
    this.#pool = pool;
    this.#absentGroups = absentGroups;
  }

  /** Number of entries deleted so far. */
  get trimmed(): number {
    return this.#trimmed;
  }

  /** True once everything is trimmed, or if another collection is in progress; false if the budget ended before. */
  async run(): Promise<boolean> {
    const { budget, logger, refusals } = this.#context;
    for (let attempt = 0; budget.mayRead; attempt++) {
      try {
        return await this.#connected((redis) => this.#collect(redis));
      } catch (error) {
        const { group, pool } = this.#event;
        const key = namespaced(this.#pool, garbageCollectionKey(group));
        if (refusals.addLasting(pool, error, { command: 'XTRIM', key })) return false;
        logger.warn('garbage collection failed, retrying', { group, pool, error: errorFields(error) });
        await budget.backOff(attempt);
      }
    }
    return false;
  }

  async #connected(work: (redis: Redis) => Promise<boolean>): Promise<boolean> {
    const { pool, session } = this.#context;
    if (this.#pool.code === pool.code) return work(session.redis);
    const redis = await connectRedis(this.#pool);
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  async #collect(redis: Redis): Promise<boolean> {
    const key = namespaced(this.#pool, garbageCollectionKey(this.#event.group));
    if (!(await this.#take(redis, key))) return true;
    for (const stream of this.#streams()) {
      if (await this.#trim(redis, stream)) continue;
      // The next drain continues, and must not take this collection for one in progress.
      if (this.#isKeyOurs()) await redis.del(key);
      return false;
    }
    return true;
  }

  /** False: another collection began less than half a minute ago. */
  async #take(redis: Redis, key: string): Promise<boolean> {
    if (this.#takenAt !== undefined) return true;
    if (!(await setIfAbsent(redis, key, '1', KEY_TTL_SECONDS * 1000))) return false;
    this.#takenAt = Date.now();
    return true;
  }

  /** The key does not identify its holder: once it may have expired, it may be somebody else's. */
  #isKeyOurs(): boolean {
    return Date.now() - (this.#takenAt ?? 0) < (KEY_TTL_SECONDS - 1) * 1000;
  }

  /** Dead letters are not garbage, even if the registry gives their stream a group. */
  #streams(): StreamDefinition[] {
    const { group, pool } = this.#event;
    return [...this.#context.registry.streams.values()].filter(
      ({ name, redisPool, groups }) =>
        redisPool === pool && groups.includes(group) && !name.endsWith(deadLetterStream('')),
    );
  }

  /** False if the budget ended before everything was trimmed. */
  async #trim(redis: Redis, { name, groups }: StreamDefinition): Promise<boolean> {
    const { budget, failpoint } = this.#context;
    const stream: TrimmedStream = {
      stream: namespaced(this.#pool, name),
      registeredGroups: groups.map((group) => namespaced(this.#pool, group)),
      areAbsentGroupsHeld: this.#absentGroups === 'hold',
    };
    let step = await trimStep(redis, stream);
    for (const group of step.absentGroups) this.#warnOfAbsent(name, group);
    for (;;) {
      this.#trimmed += step.trimmed;
      await failpoint?.('trimmed');
      if (!step.more) return true;
      if (!budget.mayRead) return false;
      step = await trimStep(redis, stream);
    }
  }

  /** `group`: as named in Redis. */
  #warnOfAbsent(stream: string, group: string): void {
    const consequence =
      this.#absentGroups === 'hold'
        ? 'nothing is trimmed until its consumer has run; remove it from the registry if it has none'
        : 'it will not see entries that are trimmed before it is created';
    this.#context.logger.warn(`a registered group does not exist on its stream: ${consequence}`, {
      pool: this.#pool.code,
      stream,
      group,
    });
  }
}
