import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../shared/errors.ts';
import { BUILT_IN_STREAMS, lockKey, namespaced } from '../../shared/registry/beeorm-names.ts';
import { readRegistry } from '../../shared/registry/read-registry.ts';
import { parseRegistry, RegistryError } from '../../shared/registry/registry.ts';

/** The example of BeeORM v1.6.0, shortened. */
const EXAMPLE = `
default:
  mysqlEncoding: utf8
  mysqlCollate: 0900_ai_ci
  disableCacheHashCheck: true
  mysql: root:root@tcp(localhost:3308)/test
  redis: localhost:6382:0
  streams:
    stream-1:
      - test-group-1
      - test-group-2
  local_cache: 1000
another:
  mysql: { uri: "app:pw@/logs", MaxOpenConnections: 10 }
  sentinel:
    master:1:
      - :26379
      - 192.156.23.11:26379
  streams:
    orm-log-channel: [orm-async-consumer, 7]
namespaced:
  redis: localhost:6382:1:test_namespace
credentials:
  redis: localhost:6382:11?user=test&password=test2
`;

function problemsOf(text: string): string[] {
  try {
    parseRegistry(text, 'r.yaml');
  } catch (error) {
    if (error instanceof RegistryError) {
      return error.problems.map(
        ({ path, line, found, expected }) => `${line} ${path} | ${found} | ${expected}`,
      );
    }
    throw error;
  }
  return [];
}

describe("a BeeORM application's registry", () => {
  it('contains its MySQL pools in the form of v1 and v2, with the encoding that BeeORM applies to all', () => {
    const { mysqlPools } = parseRegistry(EXAMPLE, 'r.yaml');
    expect([...mysqlPools.keys()]).toEqual(['default', 'another']);
    expect(mysqlPools.get('default')).toMatchObject({ host: 'localhost', port: 3308, database: 'test' });
    expect(mysqlPools.get('another')).toMatchObject({
      code: 'another',
      user: 'app',
      database: 'logs',
      encoding: 'utf8',
      collate: '0900_ai_ci',
    });
  });

  it('contains its Redis pools, sentinels, namespaces and credentials', () => {
    const { redisPools } = parseRegistry(EXAMPLE, 'r.yaml');
    expect([...redisPools.keys()]).toEqual(['default', 'another', 'namespaced', 'credentials']);
    expect(redisPools.get('another')).toEqual({
      code: 'another',
      target: {
        kind: 'sentinel',
        master: 'master',
        sentinels: [
          { host: '127.0.0.1', port: 26379 },
          { host: '192.156.23.11', port: 26379 },
        ],
      },
      database: 1,
      namespace: '',
      tls: false,
    });
    expect(redisPools.get('namespaced')).toMatchObject({ database: 1, namespace: 'test_namespace' });
    expect(redisPools.get('credentials')).toMatchObject({
      username: 'test',
      password: 'test2',
      database: 11,
    });
  });

  it('contains the four built-in streams in pool default, unless another pool lists them', () => {
    const { streams } = parseRegistry(EXAMPLE, 'r.yaml');
    expect(streams.get('stream-1')?.groups).toEqual(['test-group-1', 'test-group-2']);
    expect(streams.get('orm-log-channel')).toEqual({
      name: 'orm-log-channel',
      redisPool: 'another',
      groups: ['orm-async-consumer', '7'],
    });
    for (const name of BUILT_IN_STREAMS.filter((stream) => stream !== 'orm-log-channel'))
      expect(streams.get(name)).toEqual({ name, redisPool: 'default', groups: ['orm-async-consumer'] });
  });

  it('supports anchors and merge keys, and ignores unknown keys', () => {
    const text = `
default: &server
  redis: localhost:6379
  future: { anything: [1, 2] }
copy:
  <<: *server
`;
    expect([...parseRegistry(text, 'r.yaml').redisPools.keys()]).toEqual(['default', 'copy']);
  });

  it('prefers sentinels if a pool has both, from which BeeORM picks at random', () => {
    const text = 'default: { redis: "h:6379", sentinel: { m: ["s:26379"] } }';
    expect(parseRegistry(text, 'r.yaml').redisPools.get('default')?.target.kind).toBe('sentinel');
  });

  it('needs no pool default if other pools list all built-in streams', () => {
    const streams = BUILT_IN_STREAMS.map((name) => `${name}: [orm-async-consumer]`).join(', ');
    expect(problemsOf(`jobs: { redis: "h:6379", streams: { ${streams} } }`)).toEqual([]);
  });
});

const REDIS = 'default:\n  redis: h:6379\n';

describe('a wrong registry', () => {
  it.each([
    ['an empty file', '', 'undefined  | empty | a map of pool codes'],
    ['a list', '- a', '1  | a list | a map of pool codes'],
    ['a string', 'hello', '1  | a string | a map of pool codes'],
    ['a tab', 'default:\n\tredis: h:1', '2  | indentation with a tab instead of spaces | valid YAML'],
    ['a missing quote', 'default:\n  redis: "h:1', '2  | a missing quote, colon, comma, dash or space |'],
    ['a duplicate key', `${REDIS}  redis: h:1`, '3  | a key that already exists in the same map |'],
    ['a duplicate pool', `${REDIS}default: {}`, '3  | a key that already exists in the same map |'],
    [
      'an alias without an anchor',
      'default: *nothing',
      'undefined  | an alias (*name) without an anchor (&name)',
    ],
    ['two documents', `${REDIS}---\na: 1`, '3  | a second document after --- |'],
    ['a pool that is a string', `${REDIS}logs: u:p@tcp(h)/d`, '3 logs | a string | a map of settings'],
    ['a pool without settings', `${REDIS}logs:`, '3 logs | empty | a map of settings'],
    ['an empty DSN', `${REDIS}  mysql:`, '3 default.mysql | empty | the address of a MySQL server'],
    ['a DSN that is a number', `${REDIS}  mysql: 3306`, '3 default.mysql | the number 3306 | the address'],
    ['a DSN without a slash', `${REDIS}  mysql: u:p@tcp(h)`, '3 default.mysql | "***@tcp(h)" | a slash'],
    ['a v2 DSN without uri', `${REDIS}  mysql: {url: x}`, '3 default.mysql | a map | the address of a MySQL'],
    [
      'a v2 DSN that is not a string',
      `${REDIS}  mysql: {uri: true}`,
      '3 default.mysql.uri | the boolean true | the',
    ],
    [
      'an encoding that is not a string',
      `${REDIS}  mysqlEncoding: 23`,
      '3 default.mysqlEncoding | the number 23 | a string',
    ],
    [
      'a Redis address that is not a string',
      'default: { redis: 6379 }',
      '1 default.redis | the number 6379 | the address of a',
    ],
    [
      'a list of Redis addresses',
      'default: { redis: [1] }',
      '1 default.redis | a list | the address of a Redis server',
    ],
    [
      'a Redis URL',
      'default: { redis: "redis://u:p@h:1/0" }',
      '1 default.redis | "***@h:1/0" | BeeORM\'s form instead of a URL',
    ],
    [
      'sentinel that is not a map',
      'default: { sentinel: a }',
      '1 default.sentinel | a string | a map with one key',
    ],
    [
      'two masters',
      'default: { sentinel: {a: [b], c: [d]} }',
      '1 default.sentinel | a map with 2 keys | a map',
    ],
    [
      'a master without sentinels',
      'default: { sentinel: {a: []} }',
      '1 default.sentinel.a | an empty list | a list of',
    ],
    [
      'sentinels that are not strings',
      'default: { sentinel: {a: [7]} }',
      '1 default.sentinel.a | a list | a list of sentinels',
    ],
    [
      'streams that are not a map',
      `${REDIS}  streams: [a]`,
      '3 default.streams | a list | a map of stream names',
    ],
    [
      'streams without Redis',
      `${REDIS}b: { streams: {a: [g]} }`,
      '3 b.streams | in a pool without Redis | redis',
    ],
    [
      'groups that are not a list',
      `${REDIS}  streams: {a: g}`,
      '3 default.streams.a | a string | a list of consumer groups',
    ],
    [
      'no groups',
      `${REDIS}  streams: {a: []}`,
      '3 default.streams.a | an empty list | a list of consumer groups',
    ],
    ['a trailing comma after a group', `${REDIS}  streams: {a: [g, ]}`, undefined],
    [
      'a group that is a map',
      `${REDIS}  streams: {a: [{}]}`,
      '3 default.streams.a.0 | a map | the name of a consumer group',
    ],
  ])('is reported with the location, the wrong value and what was expected: %s', (_, text, problem) => {
    expect(problemsOf(text)).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)]);
  });

  it('is reported with all its mistakes at once, in the order of the file', () => {
    const text = `
logs:
  mysql: nonsense
  streams: { orm-lazy-channel: [g], a: [g] }
other:
  redis: nonsense
  streams: { a: [g] }
`;
    expect(problemsOf(text).map((problem) => problem.split(' |')[0])).toEqual([
      '2 default.redis',
      '3 logs.mysql',
      '4 logs.streams',
      '6 other.redis',
      '7 other.streams.a',
    ]);
  });

  it('causes an error with the location on one line, and a next step', () => {
    const parse = () => parseRegistry('default:\n  redis: nonsense', 'config/r.yaml');
    expect(parse).toThrow(ConfigurationError);
    expect(parse).toThrow(/^config\/r\.yaml:2: default\.redis is "nonsense", expected host:port[^\n]*$/);
    expect(parse).toThrow(
      expect.objectContaining({ nextStep: expect.stringContaining('Correct the registry') }),
    );
  });
});

describe('a registry file', () => {
  it('is read from its path', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'registry-'));
    try {
      const path = join(directory, 'r.yaml');
      await writeFile(path, EXAMPLE);
      expect((await readRegistry(path)).source).toBe(path);
      await expect(readRegistry(directory)).rejects.toThrow(/this is a directory/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('that does not exist causes a clear error', async () => {
    const error = { code: 'unreadable-registry', message: 'registry /none.yaml: there is no such file' };
    await expect(readRegistry('/none.yaml')).rejects.toMatchObject(error);
  });
});

describe("BeeORM's names", () => {
  it('have the namespace of their pool', () => {
    expect(namespaced({ namespace: '' }, lockKey('g'))).toBe('g_consumer-1');
    expect(namespaced({ namespace: 'app' }, 'orm-lazy-channel')).toBe('app:orm-lazy-channel');
  });
});
