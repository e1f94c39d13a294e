import type { HostAndPort } from './types.ts';

const MAX_PORT = 65_535;

/**
 * `host`, `host:port`, `:port`, `[::1]` and `[::1]:port`. As in Go an empty host is this machine.
 * `undefined` where the port is no port, or an IPv6 address lacks its brackets.
 */
export function parseHostAndPort(address: string, defaultPort: number): HostAndPort | undefined {
  const match = /^(?:\[([^[\]]+)\]|([^:[\]\s]*))(?::(\d*))?$/.exec(address);
  if (!match) return undefined;
  const [, ipv6, name, portText = ''] = match;
  const port = portText === '' ? defaultPort : Number(portText);
  if (port < 1 || port > MAX_PORT) return undefined;
  return { host: ipv6 ?? (name || '127.0.0.1'), port };
}
