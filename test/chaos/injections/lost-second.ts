import { copyFile, readdir, stat, truncate } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../../infra/local/servers/redis-server.ts';
import { lockKey } from '../../../shared/registry/beeorm-names.ts';
import { CONSUMER_GROUP } from '../../kit/test-registry.ts';
import { withMysql, withRedis } from '../workloads/workload.ts';
import type { Injection } from './injection.ts';

const ENTRIES = 30;
const MIN_MS = 100;
const MAX_MS = 800;
const LEDGER_DATABASE = 'background_consumer';

/** `aof`: the log of writes ends early. `rdb`: only a snapshot exists. */
export type Persistence = 'aof' | 'rdb';

/**
 * Redis crashes and comes back without its last second: without everything that the consumer did.
 *
 * @param isNameless the last second includes the creation of the name under which the consumer's ledger rows are stored
 */
export async function loseLastSecond(
  injection: Injection,
  { persistence, isNameless }: { readonly persistence: Persistence; readonly isNameless: boolean },
): Promise<void> {
  const { servers, application, random, broken } = injection;
  const redis = servers.redis.default;
  await injection.add(ENTRIES);
  if (isNameless)
    await withRedis(application, 'default', (client) => client.del(`${lockKey(CONSUMER_GROUP)}:ledger`));
  const restore = await remember(injection, redis, persistence);
  const process = injection.start({});
  await process.waitUntilDraining();
  await sleep(random.integer(MIN_MS, MAX_MS));
  const isBroken = broken.includes('name');
  if (isBroken || random.chance(0.5)) process.kill();
  await redis.kill();
  if (isBroken) {
    await injection.waitForEnd(process);
    // A consumer that does not consult the rows of other names would not find them.
    await withMysql(application, (mysql) => mysql.query(`DROP DATABASE IF EXISTS ${LEDGER_DATABASE}`));
  }
  await restore();
  await redis.restart();
  injection.count(`lost second, ${persistence}${isNameless ? ', with the name' : ''}`);
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
