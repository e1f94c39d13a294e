import { Redis } from 'ioredis';
import { textToBinary } from '../../shared/binary-string.ts';
import { encodeLazyEvent } from '../../shared/wire/encode-lazy-event.ts';
import type { RedisAddress } from '../local/recording/target-servers.ts';

/** Adds an entry that becomes a dead letter: MySQL rejects its INSERT, because the row already exists. */
export async function addRejectedEntry({ host, port, database }: RedisAddress): Promise<void> {
  const sql = "INSERT INTO PlainEntity(`ID`,`Age`,`Name`) VALUES (1,1,'a second row 1')";
  const body = encodeLazyEvent({
    statements: [{ pool: 'default', sql: textToBinary(sql) }],
    ids: [1n],
    cacheKeys: [],
    logs: [],
    dirty: [],
  });
  const redis = new Redis({ host, port, db: database });
  try {
    await redis.xadd('orm-lazy-channel', '*', 's', body);
  } finally {
    redis.disconnect();
  }
}
