import { parseHostAndPort } from './host-and-port.ts';
import { parseQuery } from './percent-encoding.ts';
import type { Parsed } from './problems.ts';
import type { RedisAddress, RedisTarget } from './types.ts';

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;

export const REDIS_URI_FORM =
  'host:port, host:port:database, host:port:database:namespace or path.sock:database';
export const SENTINEL_FORM =
  'a map with one key, master:database:namespace, and a list of host:port as its value';

/**
 * Parses the address of a Redis server in BeeORM's form, {@link REDIS_URI_FORM}, optionally with `?user=…&password=…`.
 *
 * Extensions to BeeORM's form: the database is optional (default 0), IPv6 hosts are written in brackets, `password`
 * works without `user`, and `tls=true` encrypts the connection.
 */
export function parseRedisUri(uri: string): Parsed<RedisAddress> {
  const [address, query] = splitQuery(uri);
  const match =
    /^(?<socket>[^:]*\.sock[^:]*)(?::(?<database>[^:]*))?(?::(?<namespace>[^:]*))?$/.exec(address) ??
    /^(?<host>(?:\[[^[\]]*\]|[^:/[\]]*):\d+)(?::(?<database>[^:]*))?(?::(?<namespace>[^:]*))?$/.exec(address);
  if (!match?.groups) {
    const form = uri.includes('://') ? `BeeORM's form instead of a URL: ${REDIS_URI_FORM}` : REDIS_URI_FORM;
    return { expected: form };
  }
  const { socket, host = '', database, namespace } = match.groups;
  if (socket !== undefined) return finish({ kind: 'socket', path: socket }, database, namespace, query);
  const server = parseHostAndPort(host, DEFAULT_PORT);
  return server
    ? finish({ kind: 'tcp', ...server }, database, namespace, query)
    : { expected: 'a port from 1 to 65535' };
}

/**
 * Parses one entry of `sentinel`: `master[:database[:namespace]][?user=…&password=…]` and the addresses of the
 * sentinels.
 */
export function parseSentinel(key: string, addresses: readonly unknown[]): Parsed<RedisAddress> {
  const [name, query] = splitQuery(key);
  const [master = '', database, namespace, ...rest] = name.split(':');
  if (master === '' || rest.length > 0)
    return { expected: 'master, master:database or master:database:namespace' };
  const sentinels = addresses.flatMap((address) => {
    const sentinel =
      typeof address === 'string' && address !== ''
        ? parseHostAndPort(address, DEFAULT_SENTINEL_PORT)
        : undefined;
    return sentinel ? [sentinel] : [];
  });
  if (sentinels.length === 0 || sentinels.length < addresses.length)
    return { expected: 'a list of sentinels, each as host:port' };
  return finish({ kind: 'sentinel', master, sentinels }, database, namespace, query);
}

function finish(
  target: RedisTarget,
  databaseText = '0',
  namespace: string | undefined,
  query: string,
): Parsed<RedisAddress> {
  if (!/^\d{1,9}$/.test(databaseText)) return { expected: 'a whole number as the database, such as 0' };
  const parameters = parseQuery(query);
  if (!parameters) return { expected: 'percent-encoded user and password, such as ?user=app&password=a%2Fb' };
  const tls = parameters.get('tls') ?? 'false';
  if (tls !== 'true' && tls !== 'false') return { expected: 'tls=true or tls=false' };
  const [username, password] = [parameters.get('user'), parameters.get('password')];
  return {
    value: {
      target,
      database: Number(databaseText),
      namespace: namespace ?? '',
      ...(username && { username }),
      ...(password && { password }),
      tls: tls === 'true',
    },
  };
}

/**
 * The address without secrets, for messages. It works for addresses that cannot be parsed too: it hides everything
 * after the first `?`, `&` or `=`, and everything before an `@`, as in a URL.
 */
export function maskRedisUri(uri: string): string {
  const [address = ''] = uri.split(/(?<=[?&=])/, 1);
  const shown = address.includes('@') ? `***${address.slice(address.lastIndexOf('@'))}` : address;
  return address === uri ? shown : `${shown}***`;
}

function splitQuery(text: string): [string, string] {
  const mark = text.indexOf('?');
  return mark < 0 ? [text, ''] : [text.slice(0, mark), text.slice(mark + 1)];
}
