import { describe, expect, test } from 'vitest';
import { resolveRegistry } from '../../functions/poller/aws/deployed-registry.ts';
import { resolveMysqlPool } from '../../functions/sql-executor/aws/deployed-executor.ts';

/** A secret that RDS writes for a server that it created. */
const RDS_SECRET = JSON.stringify({
  dbClusterIdentifier: 'orders',
  password: 'the password',
  dbname: 'app',
  engine: 'mysql',
  port: 3307,
  host: 'orders.cluster.example.com',
  username: 'admin',
});

const secrets = { read: () => Promise.resolve(RDS_SECRET) };
const CACHED = { isFresh: false };

const MYSQL = {
  host: 'registry.example.com',
  port: 3306,
  database: 'app',
  user: 'app',
  parameters: {},
  secret: 'arn',
};
const TARGET = { kind: 'tcp', host: 'registry.example.com', port: 6379 } as const;
const REDIS = { target: TARGET, database: 0, namespace: 'shop', tls: true, username: 'app', secret: 'arn' };

async function redisPool(isAddressGiven: boolean) {
  const deployed = { mysqlPools: [], redisPools: { default: { ...REDIS, isAddressGiven } }, streams: {} };
  return (await resolveRegistry(deployed, secrets, CACHED)).redisPools.get('default');
}

describe('a secret of RDS', () => {
  test('provides user, password and address', async () => {
    const pool = { ...MYSQL, isAddressGiven: false };
    expect(await resolveMysqlPool('default', pool, secrets, CACHED)).toEqual({
      code: 'default',
      host: 'orders.cluster.example.com',
      port: 3307,
      database: 'app',
      user: 'admin',
      password: 'the password',
      parameters: new Map(),
    });
    expect(await redisPool(false)).toMatchObject({
      target: { host: 'orders.cluster.example.com', port: 3307 },
      username: 'admin',
      password: 'the password',
      namespace: 'shop',
    });
  });

  test('does not replace an address that is configured, such as that of a proxy', async () => {
    const pool = { ...MYSQL, host: 'proxy.example.com', isAddressGiven: true };
    expect(await resolveMysqlPool('default', pool, secrets, CACHED)).toMatchObject({
      host: 'proxy.example.com',
      port: 3306,
      user: 'admin',
      password: 'the password',
    });
    expect(await redisPool(true)).toMatchObject({
      target: TARGET,
      username: 'admin',
      password: 'the password',
    });
  });
});
