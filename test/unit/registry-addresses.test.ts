import { describe, expect, it } from 'vitest';
import { maskMysqlDsn, parseMysqlDsn } from '../../shared/registry/mysql-dsn.ts';
import { maskRedisUri, parseRedisUri, parseSentinel } from '../../shared/registry/redis-uri.ts';

describe("a MySQL DSN in go-sql-driver's form", () => {
  it.each([
    ['u:p@tcp(db:3307)/app', { user: 'u', password: 'p', host: 'db', port: 3307, database: 'app' }],
    ['u:p@tcp(db)/app', { host: 'db', port: 3306 }],
    ['u@/app', { user: 'u', password: '', host: '127.0.0.1', port: 3306 }],
    ['/app', { user: '', password: '' }],
    ['u:p@tcp/app', { host: '127.0.0.1', port: 3306 }],
    ['u:p@tcp(:3307)/app', { host: '127.0.0.1', port: 3307 }],
    ['u:p@unix(/run/mysqld/mysqld.sock)/app', { socketPath: '/run/mysqld/mysqld.sock' }],
    ['u:p@unix/app', { socketPath: '/tmp/mysql.sock' }],
    ['u:p@tcp([de:ad:be:ef::ca:fe]:80)/app', { host: 'de:ad:be:ef::ca:fe', port: 80 }],
    ['u:p@tcp6([::1])/app', { host: '::1', port: 3306 }],
    ['u:p@ss:w/o(r)d?@tcp(db)/app', { user: 'u', password: 'p@ss:w/o(r)d?', host: 'db', database: 'app' }],
    ['u:p%40@tcp(db)/app', { password: 'p%40' }],
    ['u:p@tcp(db)/a-b_c', { database: 'a-b_c' }],
    ['u:p@tcp(db)/app?tls=true', { tls: 'verify' }],
    ['u:p@tcp(db)/app?tls=skip-verify', { tls: 'skip-verify' }],
    ['u:p@tcp(db)/app?tls=preferred', { tls: 'preferred' }],
    ['u:p@tcp(db)/app?tls=my-own', { tls: 'verify' }],
  ])('is parsed: %s', (dsn, expected) => {
    expect(parseMysqlDsn(dsn)).toMatchObject({ value: expected });
  });

  it('has no TLS and no socket by default', () => {
    for (const dsn of ['u:p@tcp(db)/app', 'u:p@tcp(db)/app?tls=false', 'u:p@tcp(db)/app?tls=']) {
      expect(parseMysqlDsn(dsn)).toMatchObject({
        value: expect.not.objectContaining({ tls: expect.anything(), socketPath: expect.anything() }),
      });
    }
  });

  it('contains all its parameters, decoded', () => {
    const dsn =
      'u:p@tcp(db)/app?charset=utf8mb4,utf8&timeout=5s&loc=Europe%2FBerlin&sql_mode=%27ANSI%27&x&charset=z&a=b=c';
    expect(parseMysqlDsn(dsn)).toMatchObject({
      value: {
        parameters: new Map([
          ['charset', 'utf8mb4,utf8'],
          ['timeout', '5s'],
          ['loc', 'Europe/Berlin'],
          ['sql_mode', "'ANSI'"],
          ['x', ''],
          ['a', 'b=c'],
        ]),
      },
    });
  });

  it.each([
    ['', 'a slash'],
    ['nonsense', 'a slash'],
    ['u:p@tcp(db)/', 'a database name'],
    ['u:p@db:3306/app', 'the protocol tcp or unix'],
    ['u:p@cloudsql(x)/app', 'the protocol tcp or unix'],
    ['u:p@tcp(db:port)/app', 'host:port'],
    ['u:p@tcp(db:99999)/app', 'host:port'],
    ['u:p@tcp(::1)/app', 'host:port'],
    ['u:p@tcp(db/app', 'an address in parentheses'],
    ['u:p@tcp(db)/app?loc=Europe/Berlin', '%2F for a slash in a parameter'],
    ['u:p@tcp(db)/app?a=%', 'percent-encoded parameters'],
  ])('is rejected: %s', (dsn, expected) => {
    expect(parseMysqlDsn(dsn)).toEqual({ expected: expect.stringContaining(expected) });
  });

  it.each([
    ['u:secret@tcp(db:3306)/app', '***@tcp(db:3306)/app'],
    ['u:sec@re:t@tcp(db)/app', '***@tcp(db)/app'],
    ['u:secret@db:3306/app', '***@db:3306/app'],
    ['mysql://u:secret@db/app', '***'],
    ['u:sec@ret/app', '***'],
    ['u:secret', '***'],
    ['usecret(db)/app', '***'],
    ['tcp(db:3306)', 'tcp(db:3306)'],
    ['nonsense', 'nonsense'],
  ])('is displayed without its password: %s', (dsn, shown) => {
    expect(maskMysqlDsn(dsn)).toBe(shown);
  });
});

describe("a Redis address in BeeORM's form", () => {
  const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });
  it.each([
    ['h:6379', { target: tcp('h', 6379), database: 0, namespace: '', tls: false }],
    ['h:6379:3', { target: tcp('h', 6379), database: 3 }],
    ['h:6379:3:app', { database: 3, namespace: 'app' }],
    ['h:6379:3:', { database: 3, namespace: '' }],
    ['10.0.0.1:6379:3', { target: tcp('10.0.0.1', 6379) }],
    [':6379:0', { target: tcp('127.0.0.1', 6379) }],
    ['[::1]:6379:2:app', { target: tcp('::1', 6379), database: 2, namespace: 'app' }],
    ['/run/redis.sock:2', { target: { kind: 'socket', path: '/run/redis.sock' }, database: 2 }],
    ['/run/redis.sock:2:app', { database: 2, namespace: 'app' }],
    ['/run/redis.sock', { target: { kind: 'socket', path: '/run/redis.sock' }, database: 0 }],
    ['h:6379:0?user=u&password=p', { username: 'u', password: 'p' }],
    ['h:6379:0?user=u&password=p%40%2F%26+%3F', { username: 'u', password: 'p@/& ?' }],
    ['h:6379:0?password=a?b:c', { password: 'a?b:c' }],
    ['h:6379:0?', { database: 0 }],
    ['h:6379:0?tls=true', { tls: true }],
    ['h:6379:0?tls=false&other=1', { tls: false }],
    ['/run/redis.sock:1:app?user=u&password=p', { namespace: 'app', username: 'u' }],
  ])('is parsed: %s', (uri, expected) => {
    expect(parseRedisUri(uri)).toMatchObject({ value: expected });
  });

  it('has no credentials by default', () => {
    expect(parseRedisUri('h:6379:0?user=&password=')).toEqual({
      value: { target: tcp('h', 6379), database: 0, namespace: '', tls: false },
    });
  });

  it.each([
    ['nonsense', 'host:port'],
    ['h', 'host:port'],
    ['a:b:c', 'host:port'],
    ['::1:6379', 'host:port'],
    ['h:6379:0:app:more', 'host:port'],
    ['/run/redis.sock:0:app:more', 'host:port'],
    ['h:0:0', 'a port from 1'],
    ['h:70000:0', 'a port from 1'],
    ['h:6379:x', 'a whole number'],
    ['h:6379:', 'a whole number'],
    ['h:6379:-1', 'a whole number'],
    ['h:6379:0?password=%zz', 'percent-encoded user and password'],
    ['h:6379:0?tls=yes', 'tls=true'],
    ['rediss://h:6379/0', 'instead of a URL'],
  ])('is rejected: %s', (uri, expected) => {
    expect(parseRedisUri(uri)).toEqual({ expected: expect.stringContaining(expected) });
  });

  it.each([
    ['h:6379:0', 'h:6379:0'],
    ['h:6379:0?user=u&password=p?q=r', 'h:6379:0?***'],
    ['h:6379:0?secret', 'h:6379:0?***'],
    ['h:6379:0&user=u&password=p', 'h:6379:0&***'],
    ['password=p', 'password=***'],
    ['redis://:secret@h:6379', '***@h:6379'],
  ])('is displayed without its password: %s', (uri, shown) => {
    expect(maskRedisUri(uri)).toBe(shown);
  });
});

describe("a sentinel in BeeORM's form", () => {
  it.each([
    ['m', { database: 0, namespace: '', target: { master: 'm' } }],
    ['m:3', { database: 3 }],
    ['m:3:app', { database: 3, namespace: 'app' }],
    ['m:3?user=u&password=p', { database: 3, username: 'u', password: 'p' }],
  ])('is parsed: %s', (key, expected) => {
    expect(parseSentinel(key, [':26379', 'h', '[::1]:9'])).toMatchObject({ value: expected });
  });

  it('contains a host and a port for each sentinel', () => {
    expect(parseSentinel('m', [':26380', 'h', '[::1]:9'])).toMatchObject({
      value: {
        target: {
          sentinels: [
            { host: '127.0.0.1', port: 26380 },
            { host: 'h', port: 26379 },
            { host: '::1', port: 9 },
          ],
        },
      },
    });
  });

  it.each([
    ['m:x', ['h:1'], 'a whole number'],
    ['', ['h:1'], 'master'],
    ['m:0:app:more', ['h:1'], 'master'],
    ['m', [], 'a list of sentinels'],
    ['m', ['h:x'], 'a list of sentinels'],
    ['m', ['h:1', null], 'a list of sentinels'],
  ])('is rejected: %s %j', (key, addresses, expected) => {
    expect(parseSentinel(key, addresses)).toEqual({ expected: expect.stringContaining(expected) });
  });
});
