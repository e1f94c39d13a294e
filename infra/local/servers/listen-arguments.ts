/** Arguments that make servers listen on further addresses besides 127.0.0.1; none if there are no further addresses. */
export function listenArguments(addresses: readonly string[]): { mysql: string[]; redis: string[] } {
  if (addresses.length === 0) return { mysql: [], redis: [] };
  const all = ['127.0.0.1', ...addresses];
  return {
    mysql: [`--bind-address=${all.join(',')}`],
    redis: ['--bind', ...all, '--protected-mode', 'no'],
  };
}
