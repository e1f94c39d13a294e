import { loadRecording } from '../../infra/local/recording/load-recording.ts';
import { type Placement, placeRegistry } from '../../infra/local/recording/placement.ts';
import { type MariaDbServer, startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import type { History } from '../kit/generate/history.ts';
import { connectRedis } from '../kit/state.ts';
import { readTestRegistry, type TestRegistry } from '../kit/test-registry.ts';
import type { StreamEntry } from '../oracle/stream-entry.ts';
import { NetworkProxy } from './proxy.ts';

/** Nothing that was acknowledged is lost when the server is killed. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** Servers of our own, each behind a proxy: a MySQL, and a Redis for each of the registry's Redis pools. */
export interface Servers {
  readonly mysql: MariaDbServer;
  readonly redis: { readonly default: RedisServer; readonly shop: RedisServer };
  readonly mysqlProxy: NetworkProxy;
  readonly redisProxies: { readonly default: NetworkProxy; readonly shop: NetworkProxy };
}

export async function startServers(): Promise<Servers> {
  const [mysql, redis, shop] = await Promise.all([
    startMariaDb({ flushLogAtCommit: 2 }),
    startRedis({ arguments: DURABLE }),
    startRedis({ arguments: DURABLE }),
  ]);
  const [mysqlProxy, redisProxy, shopProxy] = await Promise.all([mysql, redis, shop].map(NetworkProxy.start));
  if (mysqlProxy === undefined || redisProxy === undefined || shopProxy === undefined) {
    throw new Error('a proxy did not start');
  }
  return {
    mysql,
    redis: { default: redis, shop },
    mysqlProxy,
    redisProxies: { default: redisProxy, shop: shopProxy },
  };
}

export async function stopServers({ mysql, redis, mysqlProxy, redisProxies }: Servers): Promise<void> {
  const proxies = [mysqlProxy, redisProxies.default, redisProxies.shop];
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await Promise.all([mysql, redis.default, redis.shop].map((server) => server.stop()));
}

/** Where tests read and write, past the proxies. */
export function directPlacement({ mysql, redis }: Servers): Placement {
  return {
    mysql,
    redis: (pool) => ({ ...addressOf(pool === 'shop' ? redis.shop : redis.default), database: 0 }),
  };
}

/** Where consumers go. */
function proxiedPlacement({ mysql, mysqlProxy, redisProxies }: Servers): Placement {
  const { host, user, password } = mysql;
  return {
    mysql: { host, user, password, port: mysqlProxy.port },
    redis: (pool) => ({ host, port: redisProxies[pool === 'shop' ? 'shop' : 'default'].port, database: 0 }),
  };
}

function addressOf({ host, port }: RedisServer): { host: string; port: number } {
  return { host, port };
}

/** A history's application in the servers, without its entries, which are added bit by bit. */
export class Application {
  /** As consumers see it. */
  readonly registryYaml: string;
  /** As tests see it. */
  readonly registry: TestRegistry;
  readonly #entries: StreamEntry[];

  private constructor(registryYaml: string, registry: TestRegistry, entries: readonly StreamEntry[]) {
    this.registryYaml = registryYaml;
    this.registry = registry;
    this.#entries = [...entries];
  }

  static async load({ recording, entries }: History, servers: Servers): Promise<Application> {
    const directYaml = await loadRecording({ ...recording, entries: [] }, directPlacement(servers));
    const proxiedYaml = placeRegistry(recording.registryYaml, proxiedPlacement(servers));
    return new Application(proxiedYaml, readTestRegistry(directYaml), entries);
  }

  /** Entries that were not added yet. */
  get entriesLeft(): number {
    return this.#entries.length;
  }

  /** Adds the next entries to their streams, as many as there are at most. */
  async addEntries(count: number): Promise<void> {
    const pool = this.registry.redis.get('default');
    if (pool === undefined) throw new Error('the registry has no Redis pool default');
    const redis = connectRedis(pool);
    try {
      for (const { stream, id, fields } of this.#entries.splice(0, count)) {
        await redis.xadd(stream, id, ...Object.entries(fields).flat());
      }
    } finally {
      redis.disconnect();
    }
  }
}
