import { parseHostAndPort } from './host-and-port.ts';
import { parseQuery } from './percent-encoding.ts';
import type { Parsed } from './problems.ts';
import type { MysqlAddress, MysqlTls } from './types.ts';

const DEFAULT_PORT = 3306;
const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_SOCKET = '/tmp/mysql.sock';

export const MYSQL_DSN_FORM = 'user:password@tcp(host:port)/database?parameters';

type Server = Pick<MysqlAddress, 'host' | 'port' | 'socketPath'>;

/**
 * Parses a DSN of go-sql-driver, `[user[:password]@][protocol[(address)]]/database[?parameters]`. The last slash ends
 * the address, and the last `@` before it ends the password, so a password may contain both.
 */
export function parseMysqlDsn(dsn: string): Parsed<MysqlAddress> {
  const slash = dsn.lastIndexOf('/');
  if (slash < 0) return { expected: `a slash before the database name: ${MYSQL_DSN_FORM}` };
  const [credentials, serverText] = splitAtLast(dsn.slice(0, slash), '@');
  const [database, query] = splitAtFirst(dsn.slice(slash + 1), '?');
  const server = parseServer(serverText);
  if ('expected' in server) return server;
  if (database === '') return { expected: `a database name after the slash: ${MYSQL_DSN_FORM}` };
  const parameters = parseQuery(query);
  if (!parameters) return { expected: 'percent-encoded parameters, such as ?loc=Europe%2FBerlin' };
  const [user, password] = splitAtFirst(credentials, ':');
  const tls = tlsOf(parameters.get('tls'));
  return { value: { user, password, ...server.value, database, ...(tls && { tls }), parameters } };
}

function parseServer(text: string): Parsed<Server> {
  const match = /^([^()]*)(?:\((.*)\))?$/s.exec(text);
  if (!match)
    return { expected: `an address in parentheses, and %2F for a slash in a parameter: ${MYSQL_DSN_FORM}` };
  const [, protocol = '', address = ''] = match;
  switch (protocol) {
    case 'unix':
      return { value: { host: 'localhost', port: DEFAULT_PORT, socketPath: address || DEFAULT_SOCKET } };
    case '':
    case 'tcp':
    case 'tcp4':
    case 'tcp6': {
      const server = parseHostAndPort(address || DEFAULT_HOST, DEFAULT_PORT);
      return server ? { value: server } : { expected: 'an address as host:port or [IPv6]:port' };
    }
    default:
      return { expected: `the protocol tcp or unix: ${MYSQL_DSN_FORM}` };
  }
}

function tlsOf(parameter: string | undefined): MysqlTls | undefined {
  switch (parameter?.toLowerCase()) {
    case undefined:
    case '':
    case '0':
    case 'false':
      return undefined;
    case 'skip-verify':
      return 'skip-verify';
    case 'preferred':
      return 'preferred';
    default:
      return 'verify';
  }
}

/**
 * The DSN for messages. It is usually a DSN that cannot be parsed, so only a part that is certainly the server's
 * address is shown, or a text that cannot contain a password.
 */
export function maskMysqlDsn(dsn: string): string {
  if (!/[@:(]/.test(dsn)) return dsn;
  const [server = ''] = /(?:^|@)(?:(?:tcp[46]?|unix)\([^@]*|[\w.-]+:\d+\/[^@]*)$/.exec(dsn) ?? [];
  return server === dsn ? dsn : `***${server}`;
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}

function splitAtLast(text: string, separator: string): [string, string] {
  const index = text.lastIndexOf(separator);
  return index < 0 ? ['', text] : [text.slice(0, index), text.slice(index + 1)];
}
