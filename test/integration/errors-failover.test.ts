import { type Connection, createConnection } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { openExecutor } from '../kit/scene/drain-scene.ts';
import { insertThingSql } from '../kit/scene/events.ts';
import { Requests } from '../kit/scene/requests.ts';
import { openScene, type Scene } from '../kit/scene/scene.ts';
import { startTcpProxy } from '../kit/scene/tcp-proxy.ts';

/** A failover that moves a host name to another server, while connections to the demoted one stay open. */

test('an executor whose server becomes read-only connects again, to the server that the name leads to now', async () => {
  const old = await startMariaDb({ flushLogAtCommit: 2 });
  onTestFinished(() => old.stop());
  const { host, port, user, password } = old;
  const oldScene = await openScene({ mysql: { host, port, user, password } });
  const newScene = await openScene();
  const { databasePrefix } = oldScene.servers;
  const account = `${databasePrefix}user`;
  const admin = await connectTo({ host, port, user, password });
  await createAccount(admin, account);
  await admin.query(`REVOKE SUPER, READ_ONLY ADMIN ON *.* FROM ${account}`);
  const newAdmin = await connectTo(newScene.servers.mysql);
  await createAccount(newAdmin, account);
  await newAdmin.query('CREATE DATABASE ??', [`${databasePrefix}app`]);
  const proxy = await startTcpProxy(old);
  const executor = openExecutor(withAddress(oldScene, account, proxy.port));
  const requests = new Requests(executor);
  await requests.peek();
  expect(await requests.open(null, 'token')).toMatchObject({ status: 'opened' });
  expect(await requests.batch('token', 0, [insertThingSql('one')])).toMatchObject({ status: 'done' });

  await admin.query('SET GLOBAL read_only = 1');
  proxy.redirect(newScene.servers.mysql);
  expect(await requests.batch('token', 1, [insertThingSql('two')])).toMatchObject({
    status: 'error',
    kind: 'transient',
    code: '1290',
  });
  expect(await requests.peek()).toEqual({ status: 'peeked', token: null });
}, 60_000);

async function createAccount(admin: Connection, account: string): Promise<void> {
  await admin.query(`CREATE USER ${account} IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO ${account}`);
  onTestFinished(() => admin.query(`DROP USER ${account}`).then(() => undefined));
}

async function connectTo(address: Scene['servers']['mysql']): Promise<Connection> {
  const { host, port, user, password } = address;
  const connection = await createConnection({ host, port, user, password, multipleStatements: true });
  onTestFinished(() => connection.destroy());
  return connection;
}

/** The scene with its MySQL pool `default` at a port of this machine. */
function withAddress(scene: Scene, user: string, port: number): Scene {
  const yaml = scene.registryYaml.replace(/mysql: \S+\//, `mysql: ${user}:secret@tcp(127.0.0.1:${port})/`);
  return { ...scene, registryYaml: yaml, registry: parseRegistry(yaml, 'registry.yaml') };
}
