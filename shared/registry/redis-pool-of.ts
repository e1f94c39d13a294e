import type { RedisPool, StreamDefinition } from './types.ts';

/** The Redis pool that contains a stream; undefined if the registry does not name the stream. `stream`: without namespace. */
export function redisPoolOf(
  registry: {
    readonly redisPools: ReadonlyMap<string, RedisPool>;
    readonly streams: ReadonlyMap<string, StreamDefinition>;
  },
  stream: string,
): RedisPool | undefined {
  return registry.redisPools.get(registry.streams.get(stream)?.redisPool ?? '');
}
