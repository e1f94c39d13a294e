import { CfnParameter } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { type CreateProps, synthesize, writeFile } from './infra-synthesize.ts';

const PASSWORD = 'pl4nted-s3cret';

const WITH_PASSWORDS = `
default:
  mysql: app:${PASSWORD}@tcp(mysql.example.com:3306)/app
  redis: redis.example.com:6379:0?password=${PASSWORD}
`;

describe('Invalid props are rejected at synth with their path:', () => {
  test.each<[string, Omit<Partial<ReturnType<CreateProps>>, 'registry'>]>([
    ['lazyConcurrency', { lazyConcurrency: 0 }],
    ['budgetSeconds', { budgetSeconds: 58, pollerTimeoutSeconds: 60 }],
    ['pollerTimeoutSeconds', { pollerTimeoutSeconds: 901 }],
    ['executorTimeoutSeconds', { executorTimeoutSeconds: 1 }],
    ['redisPools.default.port', { redisPools: { default: { kind: 'existing', port: 0 } } }],
    ['redisPools.default.nodeType', { redisPools: { default: { kind: 'created', nodeType: 't4g.micro' } } }],
    ['declinedAlarms.budgetUsedUp', { declinedAlarms: { budgetUsedUp: 'no' } }],
    ['allowedStatements.0', { allowedStatements: ['drop'] }],
    ['logRetentionDays', { logRetentionDays: 31 }],
    ['redisPools.cache', { redisPools: { cache: { kind: 'created' } } }],
    ['mysqlPools.orders', { mysqlPools: { orders: { kind: 'created' } } }],
    ['redisPools.default.replicas', { redisPools: { default: { kind: 'created', replicas: 9 } } }],
    [
      'mysqlPools.default.maxConnections',
      { lazyConcurrency: 100, mysqlPools: { default: { kind: 'created' } } },
    ],
  ])('%s', (path, props) => {
    expect(() => synthesize(() => props)).toThrow(path);
  });

  test('an unknown prop', () => {
    const mistyped = { tail: true, lazyConcurency: 20 };
    expect(() => synthesize(() => mistyped)).toThrow('lazyConcurency: unknown setting');
    const pool = { kind: 'created', nodetype: 'cache.t4g.small' } as const;
    expect(() => synthesize(() => ({ redisPools: { default: pool } }))).toThrow(
      'redisPools.default.nodetype: unknown setting',
    );
  });

  test('but not a port that CloudFormation fills in', () => {
    synthesize((stack) => ({
      mysqlPools: {
        default: {
          kind: 'existing',
          host: new CfnParameter(stack, 'Host').valueAsString,
          port: new CfnParameter(stack, 'Port', { type: 'Number' }).valueAsNumber,
        },
      },
    }));
  });

  test('a password in the registry of a pool without a secret', () => {
    expect(() => synthesize(() => ({}), WITH_PASSWORDS)).toThrow('mysqlPools.default.secret');
  });

  test('a stream that is bound to a module', () => {
    const bindings = writeFile(
      'bindings: [{ stream: orders, group: billing, handler: { kind: module, path: a.ts } }]',
    );
    expect(() => synthesize(() => ({ bindings }))).toThrow('bindings[0].handler');
  });

  test('more streams than fit into the environment variables of a function', () => {
    const names = Array.from({ length: 150 }, (_, index) => `    a-stream-with-a-name-${index}: [group]\n`);
    const registry = `default:\n  mysql: app@tcp(h:1)/app\n  redis: h:1\n  streams:\n${names.join('')}`;
    expect(() => synthesize(() => ({}), registry)).toThrow('registry: the configuration of function Poller');
  });

  test('a Unix socket', () => {
    const registry = 'default:\n  mysql: app@tcp(h:1)/app\n  redis: /tmp/redis.sock:0\n';
    expect(() => synthesize(() => ({}), registry)).toThrow('redisPools.default');
  });
});
