/** Redis' code of an error, such as NOGROUP, also if a script reports it; otherwise the error's name. */
export function redisErrorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  return /\b(?!ERR\b)[A-Z]{4,}\b/.exec(error.message)?.[0] ?? error.name;
}
