import { textToBinary } from '../../../shared/binary-string.ts';
import { encodeLogValue, type LogValue } from '../../../shared/wire/log-value.ts';
import { LOG_STREAM, type Load } from './load.ts';

const LOG_TABLE = '_log_default_Member';
const FIRST_SECOND = 1_700_000_000;

/** Entries of the log stream, each with one log row that the application publishes itself. */
export function logs(entries: number): Load {
  return {
    key: `logs ${entries}`,
    entries,
    initialRows: {},
    entry: (index) => ({ stream: LOG_STREAM, body: encodeLogValue(logValue(index, index + 1)) }),
    statement: () => undefined,
    outcome: [{ query: `SELECT COUNT(*) FROM ${LOG_TABLE}`, expected: entries }],
  };
}

/** `id` is the id of the entity; 0 refers to the row that the entry inserts. */
export function logValue(index: number, id: number): LogValue {
  return {
    pool: 'default',
    table: textToBinary(LOG_TABLE),
    id: BigInt(id),
    meta: new Map([[textToBinary('user'), textToBinary(`user ${index % 100}`)]]),
    before: null,
    changes: new Map([[textToBinary('Name'), textToBinary(`name ${index}`)]]),
    updated: { seconds: BigInt(FIRST_SECOND + index), nanoseconds: 0 },
  };
}
