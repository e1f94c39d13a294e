import { onTestFinished } from 'vitest';
import { loadRecording } from '../../infra/local/recording/load-recording.ts';
import { type MysqlPlace, type RedisPlace, redisPoolCodes } from '../../infra/local/recording/placement.ts';
import { type Recording, readRecording } from '../../infra/local/recording/recording.ts';
import { takeTestPlace } from './test-place.ts';

/** A recording of `test/fixtures`, loaded into a part of the shared servers that is the test's own. */
export interface LoadedFixture {
  /** Where the recording's files are, for what it is compared with. */
  readonly directory: string;
  readonly recording: Recording;
  /** The application's registry, with the addresses and databases of this place. */
  readonly registryYaml: string;
  readonly mysql: MysqlPlace;
  /** The name here of a recorded database: `bee` may be `test7_bee`. */
  database(recordedName: string): string;
  /** The Redis database of a pool. */
  redis(pool: string): RedisPlace;
}

/**
 * Loads `crud`, `search`, `beeorm-breaks/duplicate-key`, `histories/full-1` …: schema, rows, stream entries. Everything
 * is removed when the test is finished.
 */
export async function loadFixture(name: string): Promise<LoadedFixture> {
  const directory = fixtureDirectory(name);
  const recording = readRecording(directory);
  const pools = redisPoolCodes(recording.registryYaml);
  const place = await takeTestPlace(pools.length);
  onTestFinished(() => place.remove());
  const { mysql, databasePrefix } = place;
  const redis = (pool: string): RedisPlace => {
    const redisPlace = place.redis[pools.indexOf(pool)];
    if (redisPlace === undefined) throw new Error(`The registry of ${name} has no Redis pool ${pool}.`);
    return redisPlace;
  };
  const registryYaml = await loadRecording(recording, { mysql, redis, databasePrefix });
  const database = (recordedName: string): string => `${databasePrefix}${recordedName}`;
  return { directory, recording, registryYaml, mysql, database, redis };
}

export function fixtureDirectory(name: string): string {
  return `${import.meta.dirname}/../fixtures/${name}`;
}
