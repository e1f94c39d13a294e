import { asBinary, type BinaryString, textToBinary } from '../binary-string.ts';
import { messageMapToJson } from './json.ts';
import type { LogValue } from './log-value.ts';
import type { MessageMap, Timestamp } from './message-value.ts';

const COLUMNS = '`entity_id`,`added_at`,`meta`,`before`';

/** With the last column: a table's name, in which backticks are doubled, can't hold this. */
const VALUES = ',`changes`) VALUES ';

/**
 * The INSERT of one log row. All rows of a table have the same text up to `VALUES `, so that they can be grouped.
 * Relies on a session without NO_BACKSLASH_ESCAPES, in utf8mb4.
 *
 * @param entityId the row's id, where `log.id` is still 0
 */
export function logRowInsert(log: LogValue, entityId: bigint): BinaryString {
  const table = log.table.replaceAll('`', '``');
  const time = `'${dateTime(log.updated)}'`;
  const values = `${entityId},${time},${jsonLiteral(log.meta)},${jsonLiteral(log.before)},${jsonLiteral(log.changes)}`;
  // Each part consists of bytes already: the table's name, ASCII, and the JSON in UTF-8.
  return asBinary(`INSERT INTO \`${table}\`(${COLUMNS}${VALUES}(${values})`);
}

/** Where the first tuple of {@link logRowInsert} begins. */
export function logRowStart(sql: BinaryString): number {
  return sql.indexOf(VALUES) + VALUES.length;
}

/** JSON has no raw control characters, so only these two could end or change the literal. */
function jsonLiteral(map: MessageMap | null): string {
  if (map === null) return 'NULL';
  const json = textToBinary(messageMapToJson(map));
  return MEANT_BY_MYSQL.test(json) ? `'${json.replaceAll(/['\\]/g, '\\$&')}'` : `'${json}'`;
}

const MEANT_BY_MYSQL = /['\\]/;

/** Rows come in the order of time, many in each second. */
let lastTime = { seconds: 0n, text: '1970-01-01 00:00:00' };

/** `YYYY-MM-DD hh:mm:ss` in UTC. */
function dateTime({ seconds }: Timestamp): string {
  if (seconds !== lastTime.seconds) {
    const iso = new Date(Number(seconds) * 1000).toISOString();
    lastTime = { seconds, text: iso.slice(0, 'YYYY-MM-DDThh:mm:ss'.length).replace('T', ' ') };
  }
  return lastTime.text;
}
