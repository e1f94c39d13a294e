import { textToBinary } from '../../../shared/binary-string.ts';
import { encodeLogValue, type LogValue } from '../../../shared/wire/log-value.ts';
import { LOG_STREAM, type Load } from './load.ts';

const LOG_TABLE = '_log_default_Member';
const FIRST_SECOND = 1_700_000_000;

/** Log rows that the application publishes itself. */
export function logs(entries: number): Load {
  return {
    key: `logs ${entries}`,
    entries,
    rowsBefore: {},
    entry: (place) => ({ stream: LOG_STREAM, body: encodeLogValue(logValue(place, place + 1)) }),
    statement: () => undefined,
    outcome: [{ query: `SELECT COUNT(*) FROM ${LOG_TABLE}`, expected: entries }],
  };
}

/** `id`: of the entity; 0 where it stands for the row of an insert. */
export function logValue(place: number, id: number): LogValue {
  return {
    pool: 'default',
    table: textToBinary(LOG_TABLE),
    id: BigInt(id),
    meta: new Map([[textToBinary('user'), textToBinary(`user ${place % 100}`)]]),
    before: null,
    changes: new Map([[textToBinary('Name'), textToBinary(`name ${place}`)]]),
    updated: { seconds: BigInt(FIRST_SECOND + place), nanoseconds: 0 },
  };
}
