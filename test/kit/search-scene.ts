import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import { onTestFinished } from 'vitest';
import * as z from 'zod';
import { type LocalConsumerOverrides, openLocalConsumer } from '../../cli/consumer/local-consumer.ts';
import { RedisDeadLetters } from '../../functions/poller/operations/dead-letters.ts';
import { MysqlExecutor } from '../../functions/sql-executor/executor.ts';
import { loadRecording } from '../../infra/local/recording/load-recording.ts';
import { readRecording } from '../../infra/local/recording/recording.ts';
import type { RedisServer } from '../../infra/local/servers/redis-server.ts';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import { createLogger } from '../../shared/logging.ts';
import type { SqlExecutor } from '../../shared/protocol.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import type { SearchSettings } from '../../shared/search-settings.ts';
import { fixtureDirectory } from './load-fixture.ts';
import { takeTestDatabases } from './test-databases.ts';

/** Settings for the index `main.HSearchMany`: its table is not named after its entity, so it must be configured. */
export const MANY: SearchSettings = { indexes: { 'main.HSearchMany': { table: 'search_many' } } };

/** A scene with recorded search events, on a Redis server with RediSearch that no other test uses. */
export interface SearchScene {
  readonly redis: Redis;
  /** A connection to the application's database. */
  readonly mysql: Connection;
  readonly registryYaml: string;
  readonly ledgerDatabase: string;
  /** The warnings and errors of all drains, each as one line of JSON. */
  readonly log: string[];
  drain(setting?: SearchDrainSetting): Promise<DrainSummary>;
  /** Redrives all dead letters. */
  redrive(): Promise<{ readonly redriven: number }>;
  /** All search documents (Redis hashes), by key. */
  documents(): Promise<Record<string, Record<string, string>>>;
}

interface SearchDrainSetting {
  readonly search?: SearchSettings;
  readonly signal?: AbortSignal;
  readonly poller?: LocalConsumerOverrides;
  /** Wraps the executor that the poller uses. */
  readonly wrap?: (executor: SqlExecutor) => SqlExecutor;
}

/** `namespace` is that of the Redis pool, and prefixes events and indexes; empty if it has none. */
export async function openSearchScene(
  server: RedisServer,
  fixture = 'search',
  namespace = '',
): Promise<SearchScene> {
  const directory = fixtureDirectory(fixture);
  const databases = await takeTestDatabases(1);
  onTestFinished(() => databases.remove());
  const { host, port } = server;
  const redis = new Redis({ host, port, protocol: 2 });
  redis.on('error', () => {}); // Tests stop servers. Commands that fail meanwhile reject.
  onTestFinished(() => redis.disconnect());
  await redis.flushall();
  const { mysql, databasePrefix } = databases;
  const redisAddress = { host, port, database: 0 };
  const yaml = await loadRecording(readRecording(directory), {
    mysql,
    redis: () => redisAddress,
    databasePrefix,
  });
  const registryYaml = namespace === '' ? yaml : yaml.replaceAll(`:${port}:0`, `:${port}:0:${namespace}`);
  if (fixture === 'search') await createIndexes(redis, directory, namespace === '' ? '' : `${namespace}:`);
  if (namespace !== '')
    await redis.rename('orm-redis-search-channel', `${namespace}:orm-redis-search-channel`);
  const connection = await createConnection({ ...mysql, database: `${databasePrefix}bee` });
  onTestFinished(() => connection.destroy());
  const ledgerDatabase = `${databasePrefix}ledger`;
  const log: string[] = [];
  return {
    redis,
    mysql: connection,
    registryYaml,
    ledgerDatabase,
    log,
    redrive: () => new RedisDeadLetters(parseRegistry(registryYaml, 'registry.yaml')).redrive({}),
    documents: () => readHashes(redis),
    drain: async ({ search = {}, signal, poller = {}, wrap } = {}) => {
      const registry = parseRegistry(registryYaml, 'registry.yaml');
      const { mysqlPools } = registry;
      const executor = new MysqlExecutor({ mysqlPools, ledgerDatabase, connectionLimit: 4 });
      const consumer = await openLocalConsumer(
        {
          registry,
          logger: createLogger({ level: 'warn', destination: { write: (line) => log.push(line) > 0 } }),
          ordering: 'entity',
          lazyConcurrency: 4,
          ledgerDatabase,
          allowedStatements: [],
          search,
        },
        { ...(wrap === undefined ? {} : { executor: wrap(executor) }), ...poller },
      );
      try {
        return await consumer.drain({ budgetMs: 30_000, ...(signal === undefined ? {} : { signal }) });
      } finally {
        await consumer.close();
        await executor.close();
      }
    },
  };
}

/** The documents that BeeORM's own indexer wrote for the recording. */
export function recordedDocuments(): Record<string, Record<string, string>> {
  const text = readFileSync(`${fixtureDirectory('search')}/after-hashes.json`, 'utf8');
  return z.record(z.string(), z.record(z.string(), z.string())).parse(JSON.parse(text));
}

/** The entry that a lazy insert of a searchable, cached entity adds to the lazy stream. */
export function recordedLazyInsert(): { readonly id: string; readonly body: Buffer } {
  const text = readFileSync(`${fixtureDirectory('search')}/lazy-insert.jsonl`, 'utf8');
  const { id, fields } = z
    .object({ id: z.string(), fields: z.object({ s: z.base64() }) })
    .parse(JSON.parse(text));
  return { id, body: Buffer.from(fields.s, 'base64') };
}

async function createIndexes(redis: Redis, directory: string, prefix: string): Promise<void> {
  const lines = readFileSync(`${directory}/ft-create.txt`, 'utf8').trim().split('\n');
  for (const line of lines) {
    const [command = '', index, ...words] = line.split(' ');
    const firstPrefix = words.indexOf('PREFIX') + 2;
    words[firstPrefix] = `${prefix}${words[firstPrefix]}`;
    await redis.call(command, `${prefix}${index}`, ...words);
  }
}

async function readHashes(redis: Redis): Promise<Record<string, Record<string, string>>> {
  const documents: Record<string, Record<string, string>> = {};
  const keys = (await redis.keys('*:*')).filter((key) => /[0-9a-f]{5}:\d+$/.test(key));
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.hgetall(key);
  const replies = (await pipeline.exec()) ?? [];
  for (const [index, key] of keys.entries())
    documents[key] = z.record(z.string(), z.string()).parse(replies[index]?.[1]);
  return documents;
}
