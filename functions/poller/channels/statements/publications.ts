import { binaryToBytes } from '../../../../shared/binary-string.ts';
import { namespaced } from '../../../../shared/registry/beeorm-names.ts';
import { redisPoolOf } from '../../../../shared/registry/redis-pool-of.ts';
import type { RedisPool, StreamDefinition } from '../../../../shared/registry/types.ts';
import { encodeDirtyEvent } from '../../../../shared/wire/dirty-event.ts';
import type { Publication } from '../../redis/settle-script.ts';
import type { Effects, ResolvedEffect } from './effects.ts';
import type { Failures } from './failures.ts';
import type { Plan } from './plan.ts';

/** A dirty event for one of its streams. */
export interface PlannedPublication extends Publication {
  readonly effect: ResolvedEffect;
  /** As named in the registry. */
  readonly streamName: string;
  /** Redis pool of the stream. */
  readonly pool: string;
}

interface Registered {
  readonly redisPools: ReadonlyMap<string, RedisPool>;
  readonly streams: ReadonlyMap<string, StreamDefinition>;
}

/** One publication per stream of each dirty event, in order. An unknown stream is recorded in `failures`. */
export function planPublications(
  plan: Plan,
  effects: Effects,
  registered: Registered,
  failures: Failures,
): PlannedPublication[] {
  return effects.dirty.flatMap((effect) => {
    const dirty = plan.dirty[effect.index];
    if (dirty === undefined) return [];
    const body = encodeDirtyEvent(dirty.event, effect.id);
    return dirty.streams.flatMap((streamName) => {
      const pool = redisPoolOf(registered, streamName);
      if (pool !== undefined)
        return [{ effect, streamName, pool: pool.code, stream: namespaced(pool, streamName), body }];
      const message = `the registry has no stream '${streamName}'`;
      failures.publication(effect, streamName, { code: 'unknown-stream', message });
      return [];
    });
  });
}

/** Redis pools other than the entry's own in which it has effects. */
export function crossPoolsOf(
  { cacheKeys }: Effects,
  publications: readonly PlannedPublication[],
  ownPool: string,
): string[] {
  if (cacheKeys.size === 0 && publications.length === 0) return [];
  const pools = new Set([...cacheKeys.keys(), ...publications.map(({ pool }) => pool)]);
  pools.delete(ownPool);
  return [...pools];
}

/** Cache keys to delete in a pool, as named in its Redis. */
export function keysOf(pool: RedisPool, { cacheKeys }: Effects): Buffer[] {
  const keys = cacheKeys.get(pool.code);
  if (keys === undefined) return [];
  const prefix = Buffer.from(namespaced(pool, ''));
  return [...keys].map((key) => Buffer.concat([prefix, binaryToBytes(key)]));
}
