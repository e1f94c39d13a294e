import type { Redis } from 'ioredis';
import { compareStreamIds } from '../../../shared/stream-id.ts';

const PAGE_ENTRIES = 1000;

/**
 * Finds the entries that the group may still deliver: its pending entries, and those after the last one that it has
 * delivered according to Redis. (A Redis that restarted may have lost its latest deliveries.)
 */
export async function findOpenIds(
  redis: Redis,
  stream: string,
  group: string,
  lastDelivered: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const sorted = [...ids].sort(compareStreamIds);
  const [first] = sorted;
  const last = sorted.at(-1);
  const open = new Set(sorted.filter((id) => compareStreamIds(id, lastDelivered) > 0));
  if (first === undefined || last === undefined) return open;
  const wanted = new Set(sorted);
  let start = first;
  for (;;) {
    const reply = await redis.call('XPENDING', stream, group, start, last, String(PAGE_ENTRIES));
    const page = Array.isArray(reply) ? reply : [];
    for (const [id] of page) if (wanted.has(String(id))) open.add(String(id));
    if (page.length < PAGE_ENTRIES) return open;
    start = `(${String(page.at(-1)?.[0])}`;
  }
}
