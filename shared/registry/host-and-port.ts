import type { HostAndPort } from './types.ts';

const MAX_PORT = 65_535;

/**
 * Parses `host`, `host:port`, `:port`, `[::1]` and `[::1]:port`. As in Go, an empty host is the local machine.
 *
 * @returns undefined if the port is not a port, or if an IPv6 address has no brackets
 */
export function parseHostAndPort(address: string, defaultPort: number): HostAndPort | undefined {
  const match = /^(?:\[([^[\]]+)\]|([^:[\]\s]*))(?::(\d*))?$/.exec(address);
  if (!match) return undefined;
  const [, ipv6, name, portText = ''] = match;
  const port = portText === '' ? defaultPort : Number(portText);
  if (port < 1 || port > MAX_PORT) return undefined;
  return { host: ipv6 ?? (name || '127.0.0.1'), port };
}
