import { describe, expect, test } from 'vitest';
import { resolveRegistry } from '../../functions/poller/aws/deployed-registry.ts';
import { resolveMysqlPool } from '../../functions/sql-executor/aws/deployed-executor.ts';

/** As RDS writes it for a server that it made. */
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
const options = { isFresh: false };

const mysql = {
  host: 'registry.example.com',
  port: 3306,
  database: 'app',
  user: 'app',
  parameters: {},
  secret: 'arn',
};
const target = { kind: 'tcp', host: 'registry.example.com', port: 6379 } as const;
const redis = { target, database: 0, namespace: 'shop', tls: true, username: 'app', secret: 'arn' };

async function redisPool(isAddressGiven: boolean) {
  const deployed = { mysqlPools: [], redisPools: { default: { ...redis, isAddressGiven } }, streams: {} };
  return (await resolveRegistry(deployed, secrets, options)).redisPools.get('default');
}

describe('a secret in the shape of RDS', () => {
  test('gives user, password and address', async () => {
    const pool = { ...mysql, isAddressGiven: false };
    expect(await resolveMysqlPool('default', pool, secrets, options)).toEqual({
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

  test('does not lead past an address that was given, such as that of a proxy', async () => {
    const pool = { ...mysql, host: 'proxy.example.com', isAddressGiven: true };
    expect(await resolveMysqlPool('default', pool, secrets, options)).toMatchObject({
      host: 'proxy.example.com',
      port: 3306,
      user: 'admin',
      password: 'the password',
    });
    expect(await redisPool(true)).toMatchObject({ target, username: 'admin', password: 'the password' });
  });
});
