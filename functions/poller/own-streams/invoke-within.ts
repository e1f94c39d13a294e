import type { EntryEvent, EntryHandler, HandlerAnswer } from '../channels/own-streams/entry-handler.ts';

/** Invokes a handler, and takes it for failed where it has not answered in time. Never rejects. */
export async function invokeWithin(
  timeoutMs: number,
  handler: EntryHandler,
  event: EntryEvent,
): Promise<HandlerAnswer> {
  const timeout = new AbortController();
  const { promise: timedOut, resolve } = Promise.withResolvers<HandlerAnswer>();
  const timer = setTimeout(() => {
    const message = `the handler gave no answer for ${timeoutMs} ms`;
    resolve({ kind: 'failed', failure: { code: 'handler-timeout', message } });
    timeout.abort();
  }, timeoutMs);
  try {
    return await Promise.race([handler.invoke(event, timeout.signal), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
