import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { EntryEvent, EntryRecord } from '../../functions/poller/channels/own-streams/entry-handler.ts';

/**
 * What the handler does with an entry: `fails` reports the entry as failed, `throws` fails the whole batch; `once` only
 * on the first attempt.
 */
export const BEHAVIORS = ['succeeds', 'fails once', 'throws once', 'fails', 'throws'] as const;
export const entryBodySchema = z.object({ number: z.int(), behavior: z.enum(BEHAVIORS) });
export type EntryBody = z.infer<typeof entryBodySchema>;

/** A line of the file that records which entries were handled. */
export const handledSchema = z.object({ source: z.string(), number: z.int() });

interface HandlerSettings {
  readonly handledFile: string;
  /** Reports that the handler has reached a failpoint. */
  readonly reach: (failpoint: string) => void;
  /** Called with each batch before it is handled. */
  readonly before?: (records: readonly EntryRecord[]) => Promise<void>;
}

const MAX_DURATION_MS = 8;

let settings: HandlerSettings | undefined;

/** Must be called before the first invocation, in the process whose consumer imports this module as a handler. */
export function configureHandler(handlerSettings: HandlerSettings): void {
  settings = handlerSettings;
}

/** The handler to which the own streams are bound. */
export async function handler({ Records }: EntryEvent): Promise<unknown> {
  if (settings === undefined)
    throw new Error('the handler is not configured. Call configureHandler before the first drain.');
  const { handledFile, reach, before } = settings;
  await before?.(Records);
  reach('handler:called');
  await sleep(Math.random() * MAX_DURATION_MS);
  const failed: EntryRecord[] = [];
  for (const record of Records) {
    const { number, behavior } = entryBodySchema.parse(JSON.parse(record.body));
    const isFirst = record.attributes.ApproximateReceiveCount === '1';
    if (behavior === 'throws' || (behavior === 'throws once' && isFirst))
      throw new Error('the entry makes its handler throw');
    if (behavior === 'fails' || (behavior === 'fails once' && isFirst)) failed.push(record);
    else appendFileSync(handledFile, `${JSON.stringify({ source: record.eventSourceARN, number })}\n`);
  }
  reach('handler:done');
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}
