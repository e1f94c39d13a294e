/** Arguments for servers that are to listen at addresses beside 127.0.0.1; none where there are none. */
export function listenArguments(addresses: readonly string[]): { mysql: string[]; redis: string[] } {
  if (addresses.length === 0) return { mysql: [], redis: [] };
  const all = ['127.0.0.1', ...addresses];
  return {
    mysql: [`--bind-address=${all.join(',')}`],
    redis: ['--bind', ...all, '--protected-mode', 'no'],
  };
}
