import type { ProgramContext } from './context.ts';
import { EXIT_CODES } from './exit-codes.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** A Ctrl-C reaches a program once from the terminal and again from npm: within this time it is the same wish. */
const SAME_WISH_MS = 500;

/**
 * Runs `work` with a signal that is aborted by the first SIGINT or SIGTERM, so that it can finish what is in flight.
 * The second one ends the process at once.
 */
export async function withStopSignal<Result>(
  { signals, exitNow }: Pick<ProgramContext, 'signals' | 'exitNow'>,
  onStop: () => void,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let stoppedAt: number | undefined;
  const listener = (): void => {
    if (stoppedAt === undefined) {
      stoppedAt = performance.now();
      onStop();
      controller.abort();
    } else if (performance.now() - stoppedAt > SAME_WISH_MS) exitNow(EXIT_CODES.interrupted);
  };
  for (const name of SIGNALS) signals.on(name, listener);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of SIGNALS) signals.off(name, listener);
  }
}
