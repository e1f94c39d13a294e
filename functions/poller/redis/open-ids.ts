import type { Redis } from 'ioredis';
import { compareStreamIds } from '../../../shared/stream-id.ts';

const PAGE = 1000;

/**
 * Which of the entries may still be handed out: those that are pending in the group, and those above the last one that it
 * has delivered as far as it knows (a Redis that restarted may know less than it did).
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
    const reply = await redis.call('XPENDING', stream, group, start, last, String(PAGE));
    const page = Array.isArray(reply) ? reply : [];
    for (const [id] of page) if (wanted.has(String(id))) open.add(String(id));
    if (page.length < PAGE) return open;
    start = `(${String(page.at(-1)?.[0])}`;
  }
}
