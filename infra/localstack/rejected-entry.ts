import { Redis } from 'ioredis';
import { textToBinary } from '../../shared/binary-string.ts';
import { encodeLazyEvent } from '../../shared/wire/encode-lazy-event.ts';
import type { RedisAddress } from '../local/recording/target-servers.ts';

/** Adds an event that MySQL refuses, for its row is there already: it becomes a dead letter. */
export async function addRefusedEntry(place: RedisAddress): Promise<void> {
  const sql = "INSERT INTO PlainEntity(`ID`,`Age`,`Name`) VALUES (1,1,'a second row 1')";
  const body = encodeLazyEvent({
    statements: [{ pool: 'default', sql: textToBinary(sql) }],
    ids: [1n],
    cacheKeys: [],
    logs: [],
    dirty: [],
  });
  const redis = new Redis({ host: place.host, port: place.port, db: place.database });
  try {
    await redis.xadd('orm-lazy-channel', '*', 's', body);
  } finally {
    redis.disconnect();
  }
}
