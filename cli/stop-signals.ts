import type { ProgramContext } from './context.ts';
import { EXIT_CODES } from './exit-codes.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** One Ctrl-C may arrive twice, from the terminal and from npm. Signals within this time count as one. */
const REPEAT_WINDOW_MS = 500;

/**
 * Runs `task` with a signal that the first SIGINT or SIGTERM aborts, so that the task can finish the entries in flight.
 * The second one exits the process immediately.
 */
export async function withStopSignal<Result>(
  { signals, exitNow }: Pick<ProgramContext, 'signals' | 'exitNow'>,
  onStop: () => void,
  task: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let stoppedAt: number | undefined;
  const listener = (): void => {
    if (stoppedAt === undefined) {
      stoppedAt = performance.now();
      onStop();
      controller.abort();
    } else if (performance.now() - stoppedAt > REPEAT_WINDOW_MS) exitNow(EXIT_CODES.interrupted);
  };
  for (const name of SIGNALS) signals.on(name, listener);
  try {
    return await task(controller.signal);
  } finally {
    for (const name of SIGNALS) signals.off(name, listener);
  }
}
