import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { EntryEvent, EntryRecord } from '../../functions/poller/channels/own-streams/entry-handler.ts';

/**
 * What a handler does with an entry: `fails` reports it, `throws` fails for the whole batch; `once` only at its first
 * attempt.
 */
export const BEHAVIOURS = ['succeeds', 'fails once', 'throws once', 'fails', 'throws'] as const;
export const orderSchema = z.object({ number: z.int(), behaviour: z.enum(BEHAVIOURS) });
export type Order = z.infer<typeof orderSchema>;

/** A line of the file in which it is written down what was handled. */
export const handledSchema = z.object({ source: z.string(), number: z.int() });

interface Setting {
  readonly handledFile: string;
  readonly reach: (point: string) => void;
  /** Called with each batch before it is handled. */
  readonly before?: (records: readonly EntryRecord[]) => Promise<void>;
}

const MAX_DURATION_MS = 8;

let setting: Setting | undefined;

/** Must be called before the first invocation, in the process whose consumer imports this module as a handler. */
export function setHandler(itsSetting: Setting): void {
  setting = itsSetting;
}

/** The handler that own streams are bound to. */
export async function handler({ Records }: EntryEvent): Promise<unknown> {
  if (setting === undefined) throw new Error('the handler was not set');
  const { handledFile, reach, before } = setting;
  await before?.(Records);
  reach('handler:called');
  await sleep(Math.random() * MAX_DURATION_MS);
  const failed: EntryRecord[] = [];
  for (const record of Records) {
    const { number, behaviour } = orderSchema.parse(JSON.parse(record.body));
    const isFirst = record.attributes.ApproximateReceiveCount === '1';
    if (behaviour === 'throws' || (behaviour === 'throws once' && isFirst)) throw new Error('as it was told');
    if (behaviour === 'fails' || (behaviour === 'fails once' && isFirst)) failed.push(record);
    else appendFileSync(handledFile, `${JSON.stringify({ source: record.eventSourceARN, number })}\n`);
  }
  reach('handler:done');
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}
