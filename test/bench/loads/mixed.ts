import { type BinaryString, textToBinary } from '../../../shared/binary-string.ts';
import type { DirtyEvent } from '../../../shared/wire/lazy-event.ts';
import type { MessageValue } from '../../../shared/wire/message-value.ts';
import { Random } from '../../kit/generate/random.ts';
import { insertSql } from './inserts.ts';
import { lazyEntry } from './lazy-entry.ts';
import { LOG_STREAM, type Load, type LoadEntry } from './load.ts';
import { logs, logValue } from './logs.ts';
import { UPDATED_ROWS, updateSql } from './updates.ts';

const MEMBERS = 10_000;
const SEED = 2;

/** The kinds of 20 entries: `i`nsert, `u`pdate, `d`elete, `l`og entry. Capitals have cache keys and dirty events. */
const CYCLE = 'iuIulUiuIidUiuIliUiu';

/** Inserts, updates, deletes and log entries, with cache keys, log rows and dirty events, as an application mixes them. */
export function mixed(entries: number): Load {
  const random = new Random(SEED);
  const choices = Uint32Array.from({ length: entries }, () => random.integer(1, UPDATED_ROWS));
  const count = (kinds: string) => countOf(entries, kinds);
  const deletes = count('d');
  return {
    key: `mixed ${entries}`,
    entries,
    initialRows: { Plain: UPDATED_ROWS + deletes, Member: MEMBERS },
    entry: (index) => mixedEntry(index, choices[index] ?? 1),
    statement: () => undefined,
    outcome: [
      { query: 'SELECT COUNT(*) FROM Plain', expected: UPDATED_ROWS + count('i') },
      { query: 'SELECT COUNT(*) FROM Member', expected: MEMBERS + count('I') },
      { query: 'SELECT COUNT(*) FROM _log_default_Member', expected: count('Il') },
    ],
  };
}

function countOf(entries: number, kinds: string): number {
  let found = 0;
  for (let index = 0; index < entries; index++) if (kinds.includes(kindOf(index))) found++;
  return found;
}

function kindOf(index: number): string {
  return CYCLE[index % CYCLE.length] ?? 'i';
}

function mixedEntry(index: number, choice: number): LoadEntry {
  const memberId = (choice % MEMBERS) + 1;
  switch (kindOf(index)) {
    case 'u':
      return lazyEntry(updateSql(index, choice), choice);
    case 'd': {
      const id = UPDATED_ROWS + Math.floor(index / CYCLE.length) + 1;
      return lazyEntry(`DELETE FROM \`Plain\` WHERE \`ID\` IN (${id})`, id);
    }
    case 'l':
      return { ...logs(0).entry(index), stream: LOG_STREAM };
    case 'I':
      return lazyEntry(memberInsert(index), 0, {
        cacheKeys: cacheKeys(0),
        logs: [logValue(index, 0)],
        dirty: [dirtyEvent(0, 'i')],
      });
    case 'U':
      return lazyEntry(`UPDATE Member SET \`Name\`='member ${index}' WHERE \`ID\` = ${memberId}`, memberId, {
        cacheKeys: cacheKeys(memberId),
        dirty: [dirtyEvent(memberId, 'u')],
      });
    default:
      return lazyEntry(insertSql(index), 0);
  }
}

function memberInsert(index: number): string {
  return `INSERT INTO Member(\`Name\`,\`Email\`) VALUES ('member ${index}','new-${index}@example.com')`;
}

function cacheKeys(id: number): { redisPool: string; keys: BinaryString[] }[] {
  return [{ redisPool: 'default', keys: [textToBinary(`a1b2c:${id}`)] }];
}

function dirtyEvent(id: number, action: string): DirtyEvent {
  const entity = 'main.Member';
  const event = new Map<BinaryString, MessageValue>([
    [textToBinary('I'), id],
    [textToBinary('A'), textToBinary(action)],
    [textToBinary('E'), textToBinary(entity)],
  ]);
  return { event, id: BigInt(id), entity, action, streams: ['changed'] };
}
