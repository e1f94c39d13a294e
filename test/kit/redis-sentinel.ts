import { writeFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { ManagedServer } from '../../infra/local/servers/managed-server.ts';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';

export const MASTER = 'main';

/** A master, its replica, and a sentinel that monitors them. */
export interface SentinelRedis {
  readonly sentinel: ManagedServer;
  readonly servers: readonly RedisServer[];
  /** The port of the current master, as the sentinel reports it. */
  masterPort(): Promise<number>;
  /** Promotes the replica, and waits until both servers know their new roles. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSentinelRedis(): Promise<SentinelRedis> {
  const master = await startRedis();
  const replica = await startRedis({ arguments: ['--replicaof', master.host, String(master.port)] });
  const sentinel = await startSentinel(master);
  const client = new Redis({ host: sentinel.host, port: sentinel.port, protocol: 2 });
  client.on('error', () => {}); // `stop` stops the sentinel while this client is connected.
  const masterPort = async () => {
    const address = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER);
    return Number(Array.isArray(address) ? address[1] : undefined);
  };
  return {
    sentinel,
    servers: [master, replica],
    masterPort,
    failOver: async () => {
      const before = await masterPort();
      await until(async () => (await client.call('SENTINEL', 'FAILOVER', MASTER)) === 'OK');
      await until(async () => (await masterPort()) !== before);
      // Until the old master has become a replica, it accepts writes that are then lost.
      await until(() => isReplica(before));
    },
    stop: async () => {
      client.disconnect();
      await Promise.all([sentinel, master, replica].map((server) => server.stop()));
    },
  };
}

async function isReplica(port: number): Promise<boolean> {
  const client = new Redis({ host: '127.0.0.1', port, protocol: 2, retryStrategy: null });
  client.on('error', () => {}); // The rejected promise reports it too.
  try {
    return (await client.info('replication')).includes('role:slave');
  } finally {
    client.disconnect();
  }
}

/** A sentinel writes its state into its configuration file, so it needs a file in a directory of its own. */
function startSentinel(master: RedisServer): Promise<ManagedServer> {
  return ManagedServer.start({
    name: 'Redis Sentinel',
    startTimeoutMs: 30_000,
    prepare: (directory) =>
      writeFile(
        `${directory}/sentinel.conf`,
        `sentinel monitor ${MASTER} ${master.host} ${master.port} 1\nsentinel down-after-milliseconds ${MASTER} 1000\n`,
      ),
    command: ({ directory, port }) => ({
      file: 'redis-server',
      arguments: [`${directory}/sentinel.conf`, '--bind', '127.0.0.1', '--port', String(port), '--sentinel'],
    }),
    probe: async ({ port }) => {
      const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: null });
      client.on('error', () => {}); // The rejected promise reports it too.
      try {
        await client.connect();
        await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER);
      } finally {
        client.disconnect();
      }
    },
  });
}

/** Retries, because the sentinel refuses a failover as long as it hasn't discovered the replica. */
async function until(isDone: () => Promise<boolean>): Promise<void> {
  const endsAt = Date.now() + 40_000;
  while (!(await isDone().catch(() => false))) {
    if (Date.now() > endsAt) throw new Error('the failover did not finish within 40 s');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
