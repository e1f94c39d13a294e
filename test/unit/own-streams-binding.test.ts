import { describe, expect, test } from 'vitest';
import { parseBindings } from '../../functions/poller/channels/own-streams/binding.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';

const registry = parseRegistry(
  'default: { redis: "localhost:6379", streams: { orders: [mailer, auditor], orm-lazy-channel: [orm-async-consumer, spy] } }',
  'registry.yaml',
);

const handler = { kind: 'module', path: './mail.mjs' };
const minimal = { stream: 'orders', group: 'mailer', handler };

const parse = (...bindings: unknown[]) => parseBindings({ bindings }, 'bindings.yaml', registry);

describe('bindings', () => {
  test('get the documented defaults', () => {
    expect(parse(minimal)).toEqual([
      {
        ...minimal,
        batchSize: 100,
        windowMs: 0,
        batchBytes: 4_500_000,
        concurrency: 1,
        ordering: 'none',
        retries: 3,
        backoffMs: 1000,
        timeoutMs: 60_000,
        bisect: true,
        deadLetters: true,
      },
    ]);
  });

  test('can name a Lambda function, an ordering field and a maximum age', () => {
    const binding = {
      ...minimal,
      handler: { kind: 'lambda', functionName: 'mailer:live' },
      ordering: { field: 's.I' },
      maximumAgeMs: 3_600_000,
    };
    expect(parse(binding)).toEqual([expect.objectContaining(binding)]);
  });

  test("can bind another group of BeeORM's built-in streams, but not the group that is already consumed", () => {
    expect(parse({ ...minimal, stream: 'orm-lazy-channel', group: 'spy' })).toHaveLength(1);
    expect(() => parse({ ...minimal, stream: 'orm-lazy-channel', group: 'orm-async-consumer' })).toThrow(
      "bindings[0].group: group 'orm-async-consumer' of stream 'orm-lazy-channel' is already consumed",
    );
  });

  test.each([
    ['batchSize', 0],
    ['batchSize', 10_001],
    ['batchSize', 1.5],
    ['batchSize', '100'],
    ['windowMs', -1],
    ['windowMs', 300_001],
    ['batchBytes', 0],
    ['batchBytes', 6_000_001],
    ['concurrency', 0],
    ['concurrency', 101],
    ['ordering', 'all'],
    ['ordering', { field: '' }],
    ['retries', -1],
    ['retries', 10_001],
    ['backoffMs', -1],
    ['backoffMs', 60_001],
    ['maximumAgeMs', 0],
    ['timeoutMs', 0],
    ['timeoutMs', 900_001],
    ['bisect', 'yes'],
    ['deadLetters', 1],
    ['stream', ''],
    ['handler', 'mail.mjs'],
    ['handler', { kind: 'queue' }],
    ['handler', { kind: 'module' }],
    ['handler', { kind: 'lambda', functionName: '' }],
  ])('are refused with the location of an invalid %s: %j', (name, value) => {
    expect(() => parse(minimal, { ...minimal, group: 'auditor', [name]: value })).toThrow(
      expect.objectContaining({
        code: 'invalid-bindings',
        message: expect.stringMatching(new RegExp(`^bindings\\.yaml: bindings\\[1\\]\\.${name}`)),
      }),
    );
  });

  test.each([
    [
      { ...minimal, stream: 'order' },
      "bindings[0].stream: the registry has no stream 'order', only orders, ",
    ],
    [
      { ...minimal, group: 'mail' },
      "bindings[0].group: stream 'orders' has no group 'mail' in the registry, only mailer, auditor",
    ],
    [{ ...minimal, batchsize: 1 }, 'bindings[0]: Unrecognized key: "batchsize"'],
    [{ stream: 'orders', group: 'mailer' }, 'bindings[0].handler: '],
  ])(
    'are refused if they contradict the registry or have unknown or missing settings: %j',
    (binding, message) => {
      expect(() => parse(binding)).toThrow(message);
    },
  );

  test('are refused if two have the same stream and group, and the error lists all problems', () => {
    expect(() => parse(minimal, minimal)).toThrow('bindings[1]: bindings[0] has the same stream and group');
    expect(() => parse({ ...minimal, retries: -1 }, { ...minimal, batchSize: 0 })).toThrow(
      /bindings\[0\]\.retries: .*; bindings\[1\]\.batchSize: /,
    );
  });

  test.each([undefined, null, [], {}, { bindings: {} }, 'bindings'])(
    'are refused if the file does not contain a list of bindings: %j',
    (value) => {
      expect(() => parseBindings(value, 'bindings.yaml', registry)).toThrow(/^bindings\.yaml: /);
    },
  );
});
