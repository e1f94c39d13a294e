import type { Redis } from 'ioredis';

/** Id of the last entry that the group has read. */
export async function lastDelivered(redis: Redis, stream: string, group: string): Promise<string> {
  const groups = await groupFacts(redis, stream);
  return groups.find(({ name }) => name === group)?.lastDeliveredId ?? '0-0';
}

export interface GroupFacts {
  readonly name: string;
  readonly pending: number;
  readonly lastDeliveredId: string;
  /** Entries that were not read yet; null where Redis doesn't know (6.2, or after entries were deleted). */
  readonly lag: number | null;
}

/** The groups of a stream; none where the stream does not exist. */
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

/** How many entries are pending for each consumer of the group, by its name. */
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
 * How much the group has left of the stream. `lag` is null only where entries are left and Redis can't count them.
 * Whether any are left is looked up in any case: after a restart Redis may count entries that were trimmed long ago, and
 * would do so for ever.
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
