import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { MysqlAddress } from '../../infra/local/recording/target-servers.ts';
import { type MariaDbServer, startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing, insertThingSql, lazyEvent } from '../kit/scene/events.ts';
import { deadLetters, pendingEntries, thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene, type Scene } from '../kit/scene/scene.ts';

/** Servers and accounts that are at fault: nothing is judged, and all is applied once the cause is gone. */

let server: MariaDbServer;

beforeAll(async () => {
  server = await startMariaDb({ flushLogAtCommit: 2 });
});

afterAll(() => server.stop());

test('while a server is stopped its entries stay pending, those of another pool and their neighbours are done', async () => {
  const scene = await openScene({ shopMysql: placeOf(server) });
  const both = [
    { sql: insertThingSql('of both') },
    { sql: "INSERT INTO Sale(`Name`) VALUES ('a')", pool: 'shop' },
  ];
  await scene.add(lazyEvent(both));
  await scene.add(lazyEvent([{ sql: "INSERT INTO Sale(`Name`) VALUES ('b')", pool: 'shop' }]));
  await scene.add(insertThing('of one'));
  await server.kill();
  const summary = await drainScene(scene, { budgetMs: 4000 });
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down', channels: { lazy: { entries: 1 } } });
  expect(summary.message).toContain("MySQL pool 'shop' fails with ECONNREFUSED");
  expect(await thingNames(scene)).toEqual(['of both', 'of one']);
  expect(await pendingEntries(scene)).toHaveLength(2);
  await server.restart();
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await thingNames(scene)).toEqual(['of both', 'of one']);
  expect(await onServer('SELECT Name FROM ??.Sale ORDER BY ID', [shopOf(scene)])).toEqual([
    { Name: 'a' },
    { Name: 'b' },
  ]);
});

test('a server that is killed and comes back in the midst of a drain is waited for', async () => {
  const scene = await openScene({ mysql: placeOf(server) });
  for (const name of ['one', 'two']) await scene.add(insertThing(name));
  let kills = 0;
  const executorFailpoint = async (point: string) => {
    if (point !== 'recorded' || kills++ > 0) return;
    await server.kill();
    void server.restart();
  };
  expect(await drainScene(scene, { executorFailpoint })).toMatchObject({ complete: true });
  expect(await onServer('SELECT Name FROM ??.Thing ORDER BY ID', [appOf(scene)])).toEqual([
    { Name: 'one' },
    { Name: 'two' },
  ]);
});

test('a server that is read-only during a failover is no dead letter', async () => {
  const { scene, account } = await openSceneWithAccount('ALL PRIVILEGES ON *.*', [
    'SUPER',
    'READ_ONLY ADMIN',
  ]);
  await scene.add(insertThing('one'));
  await onServer('SET GLOBAL read_only = 1');
  onTestFinished(() => onServer('SET GLOBAL read_only = 0').then(() => undefined));
  const summary = await drainScene(account, { budgetMs: 1500 });
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
  expect(summary.message).toContain('1290');
  expect(await deadLetters(scene)).toEqual([]);
  await onServer('SET GLOBAL read_only = 0');
  expect(await drainScene(account)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a server with too many connections is waited for', async () => {
  const { scene, account } = await openSceneWithAccount('ALL PRIVILEGES ON *.*', [
    'SUPER',
    'CONNECTION ADMIN',
  ]);
  await scene.add(insertThing('one'));
  const user = account.registry.mysqlPools.get('default')?.user ?? '';
  await onServer('ALTER USER ? WITH MAX_USER_CONNECTIONS 1', [user]);
  const hog = await createConnection({ ...placeOf(server), user, password: 'secret' });
  const drain = drainScene(account, { budgetMs: 8000 });
  await expect.poll(() => pendingEntries(scene)).toHaveLength(1);
  hog.destroy();
  expect(await drain).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await deadLetters(scene)).toEqual([]);
});

test('a wrong password is told at once, without the password, and judges nothing', async () => {
  const { scene, account } = await openSceneWithAccount('ALL PRIVILEGES ON *.*');
  await scene.add(insertThing('one'));
  const summary = await drainScene(withRegistry(account, (yaml) => yaml.replaceAll(':secret@', ':wr0ng@')));
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
  expect(summary.message).toContain('1045');
  expect(summary.message).not.toContain('wr0ng');
  expect(summary.seconds).toBeLessThan(3);
  expect(await drainScene(account)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('an unknown database is told at once and judges nothing', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  const summary = await drainScene(withRegistry(scene, (yaml) => yaml.replace('_app\n', '_nothing\n')));
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
  expect(summary.message).toContain('1049');
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('an account that may not make the ledger is told the SQL to run, and that SQL is enough', async () => {
  const { scene, account } = await openSceneWithAccount('SELECT, INSERT, UPDATE, DELETE ON ??.*');
  await scene.add(insertThing('one'));
  const summary = await drainScene(account);
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
  const sql = /CREATE DATABASE.*/.exec(summary.message ?? '')?.[0] ?? '';
  for (const statement of sql.split(';').filter((text) => text.trim() !== '')) await onServer(statement);
  expect(await drainScene(account)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('an account that may not touch a table of the application has a dead letter for it, and nothing else stops', async () => {
  const { scene, account } = await openSceneWithAccount('SELECT, INSERT, UPDATE, DELETE ON ??.Thing');
  await onServer('GRANT ALL ON ??.* TO ?', [scene.ledgerDatabase, userOf(account)]);
  await scene.add(lazyEvent([{ sql: "INSERT INTO Document(`Body`) VALUES ('x')" }]));
  await scene.add(insertThing('one'));
  expect(await drainScene(account)).toMatchObject({ complete: true });
  expect(await deadLetters(scene)).toMatchObject([{ code: '1142' }]);
  expect(await thingNames(scene)).toEqual(['one']);
});

/** A scene on the file's own server, and the same with an account that has only these privileges, less the revoked ones. */
async function openSceneWithAccount(privileges: string, revoked: readonly string[] = []) {
  const scene = await openScene({ mysql: placeOf(server) });
  const user = `${scene.servers.databasePrefix}user`;
  await onServer("CREATE USER ? IDENTIFIED BY 'secret'", [user]);
  await onServer(`GRANT ${privileges} TO ?`, privileges.includes('??') ? [appOf(scene), user] : [user]);
  for (const privilege of revoked) await onServer(`REVOKE ${privilege} ON *.* FROM ?`, [user]);
  return { scene, account: withRegistry(scene, (yaml) => yaml.replaceAll('bee:bee@', `${user}:secret@`)) };
}

function withRegistry(scene: Scene, change: (yaml: string) => string): Scene {
  const registryYaml = change(scene.registryYaml);
  return { ...scene, registryYaml, registry: parseRegistry(registryYaml, 'registry.yaml') };
}

async function onServer(sql: string, values: unknown[] = []): Promise<unknown> {
  const connection = await createConnection(placeOf(server));
  try {
    const [rows] = await connection.query(sql, values);
    return rows;
  } finally {
    await connection.end();
  }
}

function placeOf({ host, port, user, password }: MariaDbServer): MysqlAddress {
  return { host, port, user, password };
}

function appOf({ servers }: Scene): string {
  return `${servers.databasePrefix}app`;
}

function shopOf({ servers }: Scene): string {
  return `${servers.databasePrefix}shop`;
}

function userOf({ registry }: Scene): string {
  return registry.mysqlPools.get('default')?.user ?? '';
}
