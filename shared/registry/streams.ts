import { ASYNC_CONSUMER_GROUP, BUILT_IN_STREAMS, DEFAULT_POOL } from './beeorm-names.ts';
import type { PoolSettings, PoolSettingsByCode } from './pool-settings.ts';
import { describeKind, type ProblemCollector } from './problem-collector.ts';
import type { StreamDefinition } from './types.ts';

/**
 * Reads each pool's `streams`, and adds BeeORM's built-in streams. The name of a stream is unique across pools, because
 * producers only name the stream.
 */
export function readStreams(
  pools: PoolSettingsByCode,
  problems: ProblemCollector,
): Map<string, StreamDefinition> {
  const streams = new Map<string, StreamDefinition>();
  for (const [pool, settings] of pools)
    if (settings.streams !== undefined) readPoolStreams(pool, settings, streams, problems);
  addBuiltInStreams(streams, hasRedis(pools.get(DEFAULT_POOL) ?? {}), problems);
  return streams;
}

function readPoolStreams(
  pool: string,
  settings: PoolSettings,
  streams: Map<string, StreamDefinition>,
  problems: ProblemCollector,
): void {
  const path = [pool, 'streams'];
  if (!hasRedis(settings)) problems.add(path, 'in a pool without Redis', 'redis or sentinel next to it');
  const definitions =
    problems.mapOf(path, settings.streams, 'a map of stream names to lists of consumer groups') ?? {};
  for (const [name, groups] of Object.entries(definitions)) {
    const other = streams.get(name);
    if (other) {
      problems.add([...path, name], `also in ${other.redisPool}.streams`, 'each stream in only one pool');
      continue;
    }
    // Keep the stream even if its groups are wrong. Otherwise it would be reported as missing too.
    streams.set(name, { name, redisPool: pool, groups: readGroups([...path, name], groups, problems) });
  }
}

function readGroups(path: readonly string[], value: unknown, problems: ProblemCollector): string[] {
  if (!Array.isArray(value) || value.length === 0) {
    const expected = `a list of consumer groups, such as [${ASYNC_CONSUMER_GROUP}]`;
    problems.add(path, describeKind(value), expected);
    return [];
  }
  const groups = value.map((group: unknown, index) => {
    // BeeORM formats other types as strings: the group 7 is named "7".
    const name = ['string', 'number', 'boolean'].includes(typeof group) ? String(group) : '';
    if (name === '')
      problems.add([...path, String(index)], describeKind(group), 'the name of a consumer group');
    return name;
  });
  return [...new Set(groups)];
}

function addBuiltInStreams(
  streams: Map<string, StreamDefinition>,
  defaultHasRedis: boolean,
  problems: ProblemCollector,
): void {
  const missing = BUILT_IN_STREAMS.filter((name) => !streams.has(name));
  if (missing.length > 0 && !defaultHasRedis) {
    const expected = `a Redis address, because it holds ${missing.join(', ')} unless another pool has them under streams`;
    problems.add([DEFAULT_POOL, 'redis'], 'missing', expected);
  }
  for (const name of missing)
    streams.set(name, { name, redisPool: DEFAULT_POOL, groups: [ASYNC_CONSUMER_GROUP] });
}

/** True even if the address is wrong, which is already reported as a problem. */
function hasRedis({ redis, sentinel }: PoolSettings): boolean {
  return redis !== undefined || sentinel !== undefined;
}
