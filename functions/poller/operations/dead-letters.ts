import type { Redis } from 'ioredis';
import {
  type BinaryString,
  binaryToBytes,
  bytesToBinary,
  sliceBinary,
} from '../../../shared/binary-string.ts';
import {
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterOperations,
  deadLetterStream,
  type RedriveResult,
  type Unapplied,
  unappliedSchema,
} from '../../../shared/dead-letter.ts';
import { ConfigurationError } from '../../../shared/errors.ts';
import { namespaced } from '../../../shared/registry/beeorm-names.ts';
import { redisPoolOf } from '../../../shared/registry/redis-pool-of.ts';
import type { PollerRegistry, RedisPool } from '../../../shared/registry/types.ts';
import { decodeMessagePack } from '../../../shared/wire/decode-messagepack.ts';
import { STATEMENT_SOURCES } from '../channels/channels.ts';
import { connectRedis } from '../redis/connection.ts';
import { explainRefusal } from '../redis/refusals.ts';
import { SURPLUS_FIELD } from '../redis/settle-script.ts';
import {
  ATTEMPTS_FIELD,
  FIRST_ENTRY_FIELD,
  GROUP_FIELD,
  NOTHING_APPLIED,
  REDRIVE_FIELDS,
} from '../settlement/dead-letter-entry.ts';
import { redrive } from './redrive.ts';
import { remainingBody } from './remaining-body.ts';

const PAGE_LETTERS = 100;
const ORIGINAL_PREFIX = 'original.';

/** Operations on the dead letters that are stored in Redis, next to their streams. */
export class RedisDeadLetters implements DeadLetterOperations {
  readonly #registry: PollerRegistry;

  constructor(registry: PollerRegistry) {
    this.#registry = registry;
  }

  async *list(filter: DeadLetterFilter): AsyncIterable<DeadLetter> {
    for (const stream of this.#streams(filter)) {
      const pool = this.#poolOf(stream);
      const redis = await connectRedis(pool);
      try {
        yield* this.#read(redis, pool, stream, filter);
      } catch (error) {
        throw explainRefusal(pool.code, error);
      } finally {
        redis.disconnect();
      }
    }
  }

  async redrive(filter: DeadLetterFilter): Promise<RedriveResult> {
    let refused = 0;
    const redriven = await this.#forEach(filter, async (redis, pool, letter) => {
      // An entry that was deleted while it was pending left nothing to put back.
      if (letter.original.length > 0)
        return redrive(redis, namespaced(pool, letter.stream), letter.id, redrivenFields(letter));
      refused++;
      return false;
    });
    return refused === 0 ? { redriven } : { redriven, refused };
  }

  async discard(filter: DeadLetterFilter): Promise<{ readonly discarded: number }> {
    const discarded = await this.#forEach(
      filter,
      async (redis, pool, letter) =>
        (await redis.xdel(deadLetterStream(namespaced(pool, letter.stream)), letter.id)) === 1,
    );
    return { discarded };
  }

  async #forEach(
    filter: DeadLetterFilter,
    change: (redis: Redis, pool: RedisPool, letter: DeadLetter) => Promise<boolean>,
  ): Promise<number> {
    let changed = 0;
    for (const stream of this.#streams(filter)) {
      const pool = this.#poolOf(stream);
      const redis = await connectRedis(pool);
      try {
        for await (const letter of this.#read(redis, pool, stream, filter))
          if (await change(redis, pool, letter)) changed++;
      } catch (error) {
        throw explainRefusal(pool.code, error);
      } finally {
        redis.disconnect();
      }
    }
    return changed;
  }

  /** Reads up to the newest dead letter at the start. It excludes entries that fail again in the meantime. */
  async *#read(
    redis: Redis,
    pool: RedisPool,
    stream: string,
    filter: DeadLetterFilter,
  ): AsyncIterable<DeadLetter> {
    const key = deadLetterStream(namespaced(pool, stream));
    const [newest] = await redis.xrevrange(key, filter.id ?? '+', filter.id ?? '-', 'COUNT', 1);
    let start = filter.id ?? '-';
    while (newest !== undefined) {
      const page = await redis.xrangeBuffer(key, start, newest[0], 'COUNT', PAGE_LETTERS);
      for (const [id, fields] of page) {
        const letter = toDeadLetter(stream, String(id), fields);
        if (filter.code === undefined || filter.code === letter.code) yield letter;
      }
      const last = page.at(-1)?.[0];
      if (last === undefined || page.length < PAGE_LETTERS) return;
      start = `(${String(last)}`;
    }
  }

  /** Any stream of the registry can have dead letters, because any of its groups may be or have been bound to a handler. */
  #streams({ stream }: DeadLetterFilter): string[] {
    const streams = [...this.#registry.streams.keys()].sort();
    if (stream === undefined) return streams;
    if (streams.includes(stream)) return [stream];
    throw new ConfigurationError('unknown-stream', `the registry has no stream '${stream}'`, {
      nextStep: `Choose one of its streams: ${streams.join(', ')}.`,
    });
  }

  #poolOf(stream: string): RedisPool {
    const pool = redisPoolOf(this.#registry, stream);
    if (pool !== undefined) return pool;
    throw new ConfigurationError('unknown-stream', `the registry has no Redis pool for stream '${stream}'`, {
      nextStep: 'Add the stream to a Redis pool in the registry.',
    });
  }
}

function toDeadLetter(stream: string, id: string, flat: readonly Buffer[]): DeadLetter {
  const own = new Map<string, string>();
  const original: [BinaryString, BinaryString][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = flat[index];
    const value = flat[index + 1];
    if (name === undefined || value === undefined) continue;
    if (name.subarray(0, ORIGINAL_PREFIX.length).equals(Buffer.from(ORIGINAL_PREFIX)))
      original.push([bytesToBinary(name.subarray(ORIGINAL_PREFIX.length)), bytesToBinary(value)]);
    else if (name.equals(Buffer.from(SURPLUS_FIELD))) addSurplus(original, value);
    else own.set(name.toString(), value.toString());
  }
  return {
    stream,
    id,
    entry: own.get('entry') ?? '',
    group: own.get('group') ?? '',
    code: own.get('code') ?? '',
    message: own.get('message') ?? '',
    attempts: Number(own.get('attempts') ?? 0),
    failedAt: own.get('failed_at') ?? '',
    unapplied: toUnapplied(own.get('unapplied')),
    original,
  };
}

function toUnapplied(text: string | undefined): Unapplied {
  return text === undefined ? NOTHING_APPLIED : unappliedSchema.parse(JSON.parse(text));
}

/** Builds the redriven entry: its own fields, with only the remaining work in its body, and fields that record its origin. */
function redrivenFields(letter: DeadLetter): [Buffer, Buffer][] {
  const source = STATEMENT_SOURCES.find(({ stream }) => stream === letter.stream);
  const own = letter.original.filter(([name]) => !REDRIVE_FIELDS.has(name));
  const fields = own.map(([name, value]): [Buffer, Buffer] => {
    const body = binaryToBytes(value);
    const isBody = name === 's' && !letter.unapplied.all && source !== undefined;
    return [binaryToBytes(name), isBody ? remainingBody(source, body, letter.unapplied) : body];
  });
  return [
    ...fields,
    [Buffer.from(FIRST_ENTRY_FIELD), Buffer.from(letter.entry)],
    [Buffer.from(ATTEMPTS_FIELD), Buffer.from(String(letter.attempts))],
    [Buffer.from(GROUP_FIELD), Buffer.from(letter.group)],
  ];
}

function addSurplus(original: [BinaryString, BinaryString][], packed: Buffer): void {
  const decoded = decodeMessagePack(packed);
  if (!decoded.ok || !Array.isArray(decoded.value)) return;
  const texts = decoded.value.filter((text): text is BinaryString => typeof text === 'string');
  for (let index = 0; index + 1 < texts.length; index += 2) {
    const name = texts[index];
    const value = texts[index + 1];
    if (name === undefined || value === undefined) continue;
    original.push([sliceBinary(name, ORIGINAL_PREFIX.length), value]);
  }
}
