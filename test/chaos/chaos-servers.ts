import { parseDocument } from 'yaml';
import { loadRecording } from '../../infra/local/recording/load-recording.ts';
import type { Recording } from '../../infra/local/recording/recording.ts';
import {
  redisPoolCodes,
  retargetRegistry,
  type TargetServers,
} from '../../infra/local/recording/target-servers.ts';
import { type MariaDbServer, startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import { readTestRegistry, type TestRegistry } from '../kit/test-registry.ts';
import { NetworkProxy } from './network-proxy.ts';

/** The consumers' user in Redis. A restarted server gives it all rights again. */
export const CONSUMER_USER = 'consumer';
const CONSUMER_PASSWORD = 'secret';

const REDIS_ARGUMENTS = [
  // Keeps every acknowledged write when the server is killed, in one file that only grows.
  ...['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0'],
  ...['--user', CONSUMER_USER, 'on', `>${CONSUMER_PASSWORD}`, '~*', '&*', '+@all'],
];

/** A MySQL server and a Redis server for each Redis pool of the registry, each behind a proxy. */
export interface Servers {
  readonly mysql: MariaDbServer;
  readonly redis: { readonly default: RedisServer; readonly shop: RedisServer };
  readonly mysqlProxy: NetworkProxy;
  readonly redisProxies: { readonly default: NetworkProxy; readonly shop: NetworkProxy };
}

export async function startServers(): Promise<Servers> {
  const [mysql, redis, shop] = await Promise.all([
    startMariaDb({ flushLogAtCommit: 2 }),
    startRedis({ arguments: REDIS_ARGUMENTS }),
    startRedis({ arguments: REDIS_ARGUMENTS }),
  ]);
  const [mysqlProxy, redisProxy, shopProxy] = await Promise.all([mysql, redis, shop].map(NetworkProxy.start));
  if (mysqlProxy === undefined || redisProxy === undefined || shopProxy === undefined)
    throw new Error('a proxy did not start');
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

/** The servers themselves, for the tests: these bypass the proxies. */
export function directServers({ mysql, redis }: Servers): TargetServers {
  return {
    mysql,
    redis: (pool) => {
      const { host, port } = pool === 'shop' ? redis.shop : redis.default;
      return { host, port, database: 0 };
    },
  };
}

/** The proxies, for the consumers. */
function proxiedServers({ mysql, mysqlProxy, redisProxies }: Servers): TargetServers {
  const { host, user, password } = mysql;
  return {
    mysql: { host, user, password, port: mysqlProxy.port },
    redis: (pool) => ({ host, port: redisProxies[pool === 'shop' ? 'shop' : 'default'].port, database: 0 }),
  };
}

/** An application whose databases are loaded and whose streams are still empty. */
export interface Application {
  /** The consumers' registry, with the pools and streams of all workloads. */
  readonly registryYaml: string;
  /** The tests' registry, with the pools and streams of the history only. */
  readonly registry: TestRegistry;
}

/** Pools and streams that a workload adds to the registry of the history. */
export interface MorePools {
  /** Groups by stream by Redis pool. */
  readonly streams?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** The name of a MySQL pool and of its database. */
  readonly mysql?: string;
}

export async function loadApplication(
  recording: Recording,
  servers: Servers,
  more: readonly MorePools[],
): Promise<Application> {
  const directYaml = await loadRecording({ ...recording, entries: [] }, directServers(servers));
  const document = parseDocument(recording.registryYaml);
  for (const { streams = {}, mysql } of more) {
    for (const [pool, groupsByStream] of Object.entries(streams)) {
      for (const [stream, groups] of Object.entries(groupsByStream))
        document.setIn([pool, 'streams', stream], groups);
    }
    if (mysql !== undefined) document.setIn([mysql, 'mysql'], `user:password@tcp(host:1)/${mysql}`);
  }
  const registryYaml = asConsumer(retargetRegistry(document.toString(), proxiedServers(servers)));
  return { registryYaml, registry: readTestRegistry(directYaml) };
}

/** The registry with the consumers' user and password in the addresses of its Redis pools. */
function asConsumer(registryYaml: string): string {
  const document = parseDocument(registryYaml);
  for (const pool of redisPoolCodes(registryYaml)) {
    const address = String(document.getIn([pool, 'redis']));
    document.setIn([pool, 'redis'], `${address}?user=${CONSUMER_USER}&password=${CONSUMER_PASSWORD}`);
  }
  return document.toString();
}
