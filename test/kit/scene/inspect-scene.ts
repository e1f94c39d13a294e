import type { Redis } from 'ioredis';
import { decodeDirtyEvent } from '../../oracle/wire.ts';
import { GROUP, LAZY, type Scene } from './scene.ts';

/** An entry that was delivered but not acknowledged. */
export interface PendingEntry {
  readonly id: string;
  readonly deliveries: number;
}

export async function pendingEntries({ redis }: Scene, stream = LAZY): Promise<PendingEntry[]> {
  const reply = await redis.xpending(stream, GROUP, '-', '+', 10_000);
  return reply.map((item) => {
    const [id, , , deliveries]: unknown[] = Array.isArray(item) ? item : [];
    return { id: String(id), deliveries: Number(deliveries) };
  });
}

/** The id and the fields of each dead letter of the stream, as text. */
export async function deadLetters({ redis }: Scene, stream = LAZY): Promise<Record<string, string>[]> {
  const entries = await redis.xrange(`${stream}:dead-letters`, '-', '+');
  return entries.map(([id, fields]) => ({ id, ...fieldsOf(fields) }));
}

/** Dirty events such as `main.Thing i 7`, in the stream's order. */
export async function dirtyEvents(redis: Redis, stream: string): Promise<string[]> {
  const entries = await redis.xrangeBuffer(stream, '-', '+');
  return entries.map(([, fields]) => {
    const { entity, action, id } = decodeDirtyEvent(fields[1] ?? Buffer.alloc(0));
    return `${entity} ${action} ${id}`;
  });
}

/** The `Name` of each thing, in the order of the ids. */
export async function thingNames({ query }: Scene): Promise<string[]> {
  return (await query('SELECT Name FROM Thing ORDER BY ID')).map(({ Name }) => String(Name));
}

/** The `Count` of each thing, in the order of the ids. */
export async function thingCounts({ query }: Scene): Promise<number[]> {
  return (await query('SELECT Count FROM Thing ORDER BY ID')).map(({ Count }) => Number(Count));
}

function fieldsOf(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let index = 0; index + 1 < flat.length; index += 2) fields[flat[index] ?? ''] = flat[index + 1] ?? '';
  return fields;
}
