import { onTestFinished } from 'vitest';
import { loadRecording } from '../../infra/local/recording/load-recording.ts';
import { type Recording, readRecording } from '../../infra/local/recording/recording.ts';
import {
  type MysqlAddress,
  type RedisAddress,
  redisPoolCodes,
} from '../../infra/local/recording/target-servers.ts';
import { takeTestDatabases } from './test-databases.ts';

/** A recording of `test/fixtures`, loaded into a part of the shared servers that is the test's own. */
export interface LoadedFixture {
  /** Where the recording's files are, for what it is compared with. */
  readonly directory: string;
  readonly recording: Recording;
  /** The application's registry, with the addresses and databases of the test's own servers. */
  readonly registryYaml: string;
  readonly mysql: MysqlAddress;
  /** The name here of a recorded database: `bee` may be `test7_bee`. */
  database(recordedName: string): string;
  /** The Redis database of a pool. */
  redis(pool: string): RedisAddress;
}

/**
 * Loads `crud`, `search`, `beeorm-breaks/duplicate-key`, `histories/full-1` …: schema, rows, stream entries. Everything
 * is removed when the test is finished.
 */
export async function loadFixture(name: string): Promise<LoadedFixture> {
  const directory = fixtureDirectory(name);
  const recording = readRecording(directory);
  const pools = redisPoolCodes(recording.registryYaml);
  const databases = await takeTestDatabases(pools.length);
  onTestFinished(() => databases.remove());
  const { mysql, databasePrefix } = databases;
  const redis = (pool: string): RedisAddress => {
    const address = databases.redis[pools.indexOf(pool)];
    if (address === undefined) throw new Error(`The registry of ${name} has no Redis pool ${pool}.`);
    return address;
  };
  const registryYaml = await loadRecording(recording, { mysql, redis, databasePrefix });
  const database = (recordedName: string): string => `${databasePrefix}${recordedName}`;
  return { directory, recording, registryYaml, mysql, database, redis };
}

export function fixtureDirectory(name: string): string {
  return `${import.meta.dirname}/../fixtures/${name}`;
}
