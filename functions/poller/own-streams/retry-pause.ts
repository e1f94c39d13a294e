const MAX_PAUSE_MS = 60_000;

/** Doubled for each attempt that failed, and shortened by up to half, so that not all come back at once. */
export function retryPauseMs(firstPauseMs: number, failedAttempts: number): number {
  const most = Math.min(MAX_PAUSE_MS, firstPauseMs * 2 ** (failedAttempts - 1));
  return most * (0.5 + Math.random() / 2);
}
