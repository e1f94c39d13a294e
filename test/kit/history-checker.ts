import { onTestFinished } from 'vitest';
import { loadRecording } from '../../infra/local/recording/load-recording.ts';
import { redisPoolCodes, type TargetServers } from '../../infra/local/recording/target-servers.ts';
import { applySerially } from '../oracle/serial-oracle.ts';
import { drainAndCompare, type Setting } from './drain.ts';
import type { History } from './generate/history.ts';
import { generatedApplication } from './generate/schema.ts';
import { rewindDatabases } from './rewind-databases.ts';
import { connectRedis } from './state.ts';
import { takeTestDatabases } from './test-databases.ts';
import { readTestRegistry } from './test-registry.ts';

/** Drains generated histories, one after another in the same databases, and compares each result with the oracle's. */
export class HistoryChecker {
  readonly #registryYaml: string;
  readonly #databasePrefix: string;
  readonly #oracleYaml: string;

  private constructor(registryYaml: string, databasePrefix: string, oracleYaml: string) {
    this.#registryYaml = registryYaml;
    this.#databasePrefix = databasePrefix;
    this.#oracleYaml = oracleYaml;
  }

  /** Its databases are removed when the test is finished. */
  static async open(): Promise<HistoryChecker> {
    const application = { ...generatedApplication(), entries: [] };
    const codes = redisPoolCodes(application.registryYaml);
    const { redis, ...databases } = await takeTestDatabases(codes.length);
    onTestFinished(databases.remove);
    const targets: TargetServers = {
      ...databases,
      redis: (pool) => redis[codes.indexOf(pool)] ?? { host: '', port: 0, database: 0 },
    };
    const oracle = { ...targets, databasePrefix: oraclePrefix(databases.databasePrefix) };
    return new HistoryChecker(
      await loadRecording(application, targets),
      databases.databasePrefix,
      await loadRecording(application, oracle),
    );
  }

  /** @returns the differences between the consumer's result and the oracle's as text, empty if there are none */
  async differences({ recording, entries }: History, setting: Setting): Promise<string> {
    const oracleRegistry = readTestRegistry(this.#oracleYaml, oraclePrefix(this.#databasePrefix));
    await rewindDatabases(oracleRegistry, recording.rows);
    const expected = await applySerially(oracleRegistry, entries);

    const registry = readTestRegistry(this.#registryYaml, this.#databasePrefix);
    await rewindDatabases(registry, recording.rows);
    for (const pool of registry.redis.values()) {
      const redis = connectRedis(pool);
      await redis.flushdb();
      redis.disconnect();
    }
    const [defaultPool] = registry.redis.values();
    const redis = connectRedis(defaultPool ?? { host: '', port: 0, db: 0, prefix: '' });
    const pipeline = redis.pipeline();
    for (const { stream, id, fields } of entries) pipeline.xadd(stream, id, ...Object.entries(fields).flat());
    await pipeline.exec();
    redis.disconnect();

    const history = { recording, registryYaml: this.#registryYaml, databasePrefix: this.#databasePrefix };
    const { summary, differences } = await drainAndCompare(history, expected, setting);
    return summary.complete ? differences : `${summary.reason}\n${differences}`;
  }
}

function oraclePrefix(databasePrefix: string): string {
  return `${databasePrefix}oracle_`;
}
