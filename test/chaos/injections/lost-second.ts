import { copyFile, readdir, stat, truncate } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../../infra/local/servers/redis-server.ts';
import { withRedis } from '../workloads/workload.ts';
import type { Injection } from './injection.ts';

const ENTRIES = 30;
const MIN_MS = 100;
const MAX_MS = 800;

/** `aof`: the log of writes ends early. `rdb`: only a snapshot exists. */
export type Persistence = 'aof' | 'rdb';

/** Redis crashes and comes back without its last second: without everything that the consumer did. */
export async function loseLastSecond(injection: Injection, persistence: Persistence): Promise<void> {
  const { servers, random } = injection;
  const redis = servers.redis.default;
  await injection.add(ENTRIES);
  const restore = await remember(injection, redis, persistence);
  const process = injection.start({});
  await process.waitUntilDraining();
  await sleep(random.integer(MIN_MS, MAX_MS));
  if (random.chance(0.5)) process.kill();
  await redis.kill();
  await restore();
  await redis.restart();
  injection.count(`lost second, ${persistence}`);
  await injection.waitForEnd(process);
  await injection.waitForEnd(injection.start({}));
}

/** Returns the function that sets the files of the stopped server back to this moment. */
async function remember(
  { application }: Injection,
  { directory }: RedisServer,
  persistence: Persistence,
): Promise<() => Promise<void>> {
  const log = `${directory}/appendonlydir`;
  const files = await readdir(log);
  const fileOf = (suffix: string) => `${log}/${files.find((file) => file.endsWith(suffix)) ?? ''}`;
  const increments = fileOf('.incr.aof');
  const { size } = await stat(increments);
  if (persistence === 'aof') return () => truncate(increments, size);
  await withRedis(application, 'default', (client) => client.save());
  return async () => {
    await copyFile(`${directory}/dump.rdb`, fileOf('.base.rdb'));
    await truncate(increments, 0);
  };
}
