import type { Redis } from 'ioredis';

/** Returns the ID of the last entry that the group has read. */
export async function lastDelivered(redis: Redis, stream: string, group: string): Promise<string> {
  const groups = await groupFacts(redis, stream);
  return groups.find(({ name }) => name === group)?.lastDeliveredId ?? '0-0';
}

export interface GroupFacts {
  readonly name: string;
  readonly pending: number;
  readonly lastDeliveredId: string;
  /** Number of unread entries; null if Redis does not know it (version 6.2, or after entries were deleted). */
  readonly lag: number | null;
}

/** Returns the groups of a stream; none if the stream does not exist. */
export async function groupFacts(redis: Redis, stream: string): Promise<GroupFacts[]> {
  const reply = await redis.call('XINFO', 'GROUPS', stream).catch((error: unknown) => {
    if (error instanceof Error && error.message.includes('no such key')) return [];
    throw error;
  });
  return (Array.isArray(reply) ? reply : []).map((flat: unknown[]) => {
    const facts = new Map<string, unknown>();
    for (let index = 0; index + 1 < flat.length; index += 2) facts.set(String(flat[index]), flat[index + 1]);
    const lag = facts.get('lag');
    return {
      name: String(facts.get('name')),
      pending: Number(facts.get('pending')),
      lastDeliveredId: String(facts.get('last-delivered-id')),
      lag: typeof lag === 'number' ? lag : null,
    };
  });
}

/** Returns the number of pending entries per consumer of the group, by name. */
export async function pendingByConsumer(
  redis: Redis,
  { stream, group }: { readonly stream: string; readonly group: string },
): Promise<ReadonlyMap<string, number>> {
  const reply = await redis.call('XPENDING', stream, group);
  const consumers: unknown = Array.isArray(reply) ? reply[3] : undefined;
  return new Map(
    (Array.isArray(consumers) ? consumers : []).map(([name, count]: unknown[]) => [
      String(name),
      Number(count),
    ]),
  );
}

/**
 * Counts the group's remaining entries. `lag` is null only if there are unread entries that Redis cannot count. If Redis
 * reports a lag, the stream is checked for unread entries: after a restart Redis may include entries that were trimmed long
 * ago, and its lag would never reach 0.
 */
export async function readRemaining(
  redis: Redis,
  { stream, group }: { readonly stream: string; readonly group: string },
): Promise<Pick<GroupFacts, 'pending' | 'lag'>> {
  const facts = (await groupFacts(redis, stream)).find(({ name }) => name === group);
  if (facts === undefined) return { pending: 0, lag: null };
  if (facts.lag === 0) return facts;
  const unread = await redis.call('XRANGE', stream, `(${facts.lastDeliveredId}`, '+', 'COUNT', '1');
  return Array.isArray(unread) && unread.length > 0 ? facts : { ...facts, lag: 0 };
}
