import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { Connections } from '../../functions/sql-executor/connections.ts';
import { type MariaDbServer, startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { ascii } from '../../shared/binary-string.ts';
import { startTcpProxy } from '../kit/scene/tcp-proxy.ts';

/** What becomes of the server's session when the executor drops a connection that gets no answer. */

/** The server is still busy with it long after the deadline. */
const BUSY = ascii('SELECT SLEEP(60)');
const DEADLINE_MS = 1000;

test('the session of a dropped connection is ended on its server', async () => {
  const server = await openServer();
  const admin = await connectTo(server);
  const connections = openConnections(server);
  const id = await dropBusySession(connections);
  await expect.poll(() => sessionExists(admin, id), { timeout: 15_000 }).toBe(false);
});

test('after a failover, no session of the new server is ended in place of the dropped one', async () => {
  const [former, successor] = [await openServer(), await openServer()];
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: former.port });
  const connections = openConnections({ ...former, port: proxy.port });
  const id = await dropBusySession(connections, async (ownId) => {
    await connectUntil(successor, ownId);
    proxy.redirect({ host: '127.0.0.1', port: successor.port });
  });
  const admin = await connectTo(successor);
  // Connects to the new server, as the KILL would.
  await connections.use(Date.now() + 10_000, (session) => session.one(ascii('DO 0')));
  for (let waited = 0; waited < 10; waited++) {
    expect(await sessionExists(admin, id)).toBe(true);
    await sleep(100);
  }
});

async function openServer(): Promise<MariaDbServer> {
  const server = await startMariaDb({ flushLogAtCommit: 0 });
  onTestFinished(() => server.stop());
  return server;
}

function openConnections({ port, user, password }: Pick<MariaDbServer, 'port' | 'user' | 'password'>) {
  const address = { host: '127.0.0.1', port, user, password, database: 'mysql', parameters: new Map() };
  const connections = new Connections({ code: 'default', ...address }, 4);
  onTestFinished(() => connections.close());
  return connections;
}

/** Keeps a session busy past its deadline, and returns its ID. */
async function dropBusySession(
  connections: Connections,
  beforeDrop: (id: number) => Promise<void> = async () => {},
): Promise<number> {
  let id = 0;
  await connections.use(Date.now() + 30_000, async (_session, { connectionId }) => {
    id = Number(connectionId);
    await beforeDrop(id);
  });
  const busy = connections.use(Date.now() + DEADLINE_MS, async (session, { connectionId }) => {
    expect(Number(connectionId)).toBe(id);
    await session.one(BUSY);
  });
  await expect(busy).rejects.toThrow('did not answer');
  return id;
}

/** Opens sessions of an application until one has the ID. */
async function connectUntil(server: MariaDbServer, id: number): Promise<void> {
  for (;;) {
    const connection = await connectTo(server);
    if (connection.threadId >= id) break;
  }
}

async function connectTo({ port, user, password }: MariaDbServer): Promise<Connection> {
  const connection = await createConnection({ host: '127.0.0.1', port, user, password });
  connection.on('error', () => {});
  onTestFinished(() => connection.destroy());
  return connection;
}

async function sessionExists(admin: Connection, id: number): Promise<boolean> {
  const [rows] = await admin.query('SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?', [id]);
  return Array.isArray(rows) && rows.length === 1;
}
