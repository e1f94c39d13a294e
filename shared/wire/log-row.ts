import { asBinary, type BinaryString, textToBinary } from '../binary-string.ts';
import { messageMapToJson } from './json.ts';
import type { LogValue } from './log-value.ts';
import type { MessageMap, Timestamp } from './message-value.ts';

const COLUMNS = '`entity_id`,`added_at`,`meta`,`before`';

/** Includes the last column, because a table name, in which backticks are doubled, cannot contain this text. */
const VALUES = ',`changes`) VALUES ';

/**
 * The INSERT of one log row. All rows of a table have the same text up to `VALUES `, so that they can be joined. It
 * requires a session in utf8mb4 without NO_BACKSLASH_ESCAPES.
 *
 * @param entityId the ID of the entity, because `log.id` may still be 0
 */
export function logRowInsert(log: LogValue, entityId: bigint): BinaryString {
  const table = log.table.replaceAll('`', '``');
  const time = `'${dateTime(log.updated)}'`;
  const values = `${entityId},${time},${jsonLiteral(log.meta)},${jsonLiteral(log.before)},${jsonLiteral(log.changes)}`;
  // Every part consists of bytes: the name of the table, ASCII, and the JSON in UTF-8.
  return asBinary(`INSERT INTO \`${table}\`(${COLUMNS}${VALUES}(${values})`);
}

/** The offset of the first tuple in the SQL of {@link logRowInsert}. */
export function logRowStart(sql: BinaryString): number {
  return sql.indexOf(VALUES) + VALUES.length;
}

/** JSON contains no raw control characters, so only a quote or a backslash could end or change the literal. */
function jsonLiteral(map: MessageMap | null): string {
  if (map === null) return 'NULL';
  const json = textToBinary(messageMapToJson(map));
  return MYSQL_SPECIAL.test(json) ? `'${json.replaceAll(/['\\]/g, '\\$&')}'` : `'${json}'`;
}

const MYSQL_SPECIAL = /['\\]/;

/** A cache of one second: rows arrive in the order of time, many per second. */
let lastTime = { seconds: 0n, text: '1970-01-01 00:00:00' };

/** `YYYY-MM-DD hh:mm:ss` in UTC. */
function dateTime({ seconds }: Timestamp): string {
  if (seconds !== lastTime.seconds) {
    const iso = new Date(Number(seconds) * 1000).toISOString();
    lastTime = { seconds, text: iso.slice(0, 'YYYY-MM-DDThh:mm:ss'.length).replace('T', ' ') };
  }
  return lastTime.text;
}
