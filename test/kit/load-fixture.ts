import { onTestFinished } from 'vitest';
import { loadRecording } from '../../infra/local/recording/load-recording.ts';
import { type Recording, readRecording } from '../../infra/local/recording/recording.ts';
import {
  type MysqlAddress,
  type RedisAddress,
  redisPoolCodes,
} from '../../infra/local/recording/target-servers.ts';
import { takeTestDatabases } from './test-databases.ts';

/** A recording from `test/fixtures`, loaded into databases of the shared servers that belong to the test. */
export interface LoadedFixture {
  /** The directory of the recording's files, which also contains the expected outcome. */
  readonly directory: string;
  readonly recording: Recording;
  /** The application's registry, with the addresses and databases of the test's own servers. */
  readonly registryYaml: string;
  readonly mysql: MysqlAddress;
  /** The actual name of a recorded database, such as `test7_bee` for `bee`. */
  database(recordedName: string): string;
  /** The address of a pool's Redis database. */
  redis(pool: string): RedisAddress;
}

/**
 * Loads the schema, rows and stream entries of a recording such as `crud`, `beeorm-breaks/duplicate-key` or
 * `histories/full-1`. Everything is removed when the test is finished.
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
