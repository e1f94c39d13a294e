import { Redis } from 'ioredis';
import { type BinaryString, textToBinary } from '../../../shared/binary-string.ts';
import { encodeLazyEvent } from '../../../shared/wire/encode-lazy-event.ts';
import type { LazyEvent } from '../../../shared/wire/lazy-event.ts';
import type { MessageMap, MessageValue } from '../../../shared/wire/message-value.ts';
import type { RedisAddress } from '../recording/target-servers.ts';

const LAZY_STREAM = 'orm-lazy-channel';
const ENTRIES_PER_PIPELINE = 1000;

/** Ids of recorded `PlainEntity` rows that the recording neither deletes nor uses otherwise. */
const FIRST_UPDATED_ID = 3;
const UPDATED_IDS = 25;

/** Adds lazy events to the stream, as an application that is faster than its consumer would. */
export async function addBacklog({ host, port, database }: RedisAddress, entries: number): Promise<void> {
  const redis = new Redis({ host, port, db: database });
  try {
    for (let start = 0; start < entries; start += ENTRIES_PER_PIPELINE) {
      const pipeline = redis.pipeline();
      for (let number = start; number < Math.min(start + ENTRIES_PER_PIPELINE, entries); number += 1)
        pipeline.xadd(LAZY_STREAM, '*', 's', encodeLazyEvent(lazyEvent(number)));
      await pipeline.exec();
    }
  } finally {
    redis.disconnect();
  }
}

/** Ten events contain seven inserts, an update, an insert into another pool, and an insert with every kind of effect. */
function lazyEvent(number: number): LazyEvent {
  switch (number % 10) {
    case 7:
      return updatePlain(number);
    case 8:
      return insertOrder(number);
    case 9:
      return insertUser(number);
    default:
      return insertPlain(number);
  }
}

function insertPlain(number: number): LazyEvent {
  return statement(
    'default',
    `INSERT INTO PlainEntity(\`Age\`,\`Name\`) VALUES (${number},'backlog ${number}')`,
    0,
  );
}

function updatePlain(number: number): LazyEvent {
  const id = FIRST_UPDATED_ID + (Math.trunc(number / 10) % UPDATED_IDS);
  return statement('default', `UPDATE PlainEntity SET \`Age\`=${number} WHERE \`ID\` = ${id}`, id);
}

function insertOrder(number: number): LazyEvent {
  return statement(
    'shop',
    `INSERT INTO OrderEntity(\`Note\`,\`Total\`) VALUES ('backlog ${number}',${number}.5)`,
    0,
  );
}

/** MySQL assigns the id of the row. Until then it is 0 in the cache key, the log row and the dirty event. */
function insertUser(number: number): LazyEvent {
  const email = `backlog-${number}@example.com`;
  const sql = `INSERT INTO UserEntity(\`FirstName\`,\`Email\`) VALUES ('Backlog','${email}')`;
  const changes: MessageMap = new Map([[textToBinary('Email'), textToBinary(email)]]);
  const event = new Map<BinaryString, MessageValue>([
    [textToBinary('I'), 0],
    [textToBinary('A'), textToBinary('i')],
    [textToBinary('E'), textToBinary('main.UserEntity')],
  ]);
  const updated = { seconds: BigInt(Math.trunc(Date.now() / 1000)), nanoseconds: 0 };
  const table = textToBinary('_log_default_UserEntity');
  return {
    ...statement('default', sql, 0),
    cacheKeys: [{ redisPool: 'default', keys: [textToBinary('a168a:0')] }],
    logs: [{ pool: 'logs', table, id: 0n, meta: null, before: null, changes, updated }],
    dirty: [{ event, id: 0n, entity: 'main.UserEntity', action: 'i', streams: ['user-changed'] }],
  };
}

function statement(pool: string, sql: string, id: number): LazyEvent {
  const statements = [{ pool, sql: textToBinary(sql) }];
  return { statements, ids: [BigInt(id)], cacheKeys: [], logs: [], dirty: [] };
}
