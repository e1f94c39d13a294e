import { readRecording } from '../../infra/local/recording/recording.ts';
import type { ExpectedDeadLetter, Outcome } from '../oracle/outcome.ts';
import { readJson, tablesOf } from './recorded-tables.ts';

/** The expected outcome of a recorded history: `expected*.json` and `meta.json` in its directory. */
export function historyOutcome(directory: string): Outcome {
  const meta: HistoryMeta = readJson(`${directory}/meta.json`);
  const keys: HistoryKeys = readJson(`${directory}/expected-cache-deletes.json`);
  const events: HistoryEvents = readJson(`${directory}/expected-streams.json`);
  const dead: HistoryDeadLetter[] = readJson(`${directory}/expected-dead.json`);
  return {
    tables: tablesOf(readJson(`${directory}/expected.json`), readRecording(directory).schemaSql),
    identity: ['Code', 'ID'],
    autoIds: new Map(Object.entries(meta.auto).map(([table, ids]) => [table, new Set(ids.map(String))])),
    entityTables: new Map(Object.entries(meta.entityTables)),
    dirtyEvents: new Map(
      Object.entries(events).map(([stream, eventsOfStream]) => [
        stream,
        eventsOfStream.map(({ E, A, I }) => ({ entity: E, action: A, id: I })),
      ]),
    ),
    deletedKeys: [
      ...Object.entries(keys.gone).flatMap(([pool, names]) => names.map((key) => ({ pool, key }))),
      ...keys.byRow.map(({ pool, key, table, id }) => ({ pool, key, row: { table, id: String(id) } })),
    ],
    keptKeys: [],
    deadLetters: dead.map(deadLetterOf),
  };
}

type HistoryMeta = { auto: Record<string, number[]>; entityTables: Record<string, string> };
type HistoryEvents = Record<string, { E: string; A: string; I: string }[]>;
type HistoryKeys = {
  gone: Record<string, string[]>;
  byRow: { pool: string; key: string; table: string; id: number }[];
};
type HistoryDeadLetter = Pick<ExpectedDeadLetter, 'stream' | 'id'> & {
  class: ExpectedDeadLetter['kind'];
  kind: string;
  errno?: number;
};

/** In the recording, MySQL refuses an unterminated string. Here the policy refuses it first, with the same effect. */
function deadLetterOf(letter: HistoryDeadLetter): ExpectedDeadLetter {
  const { stream, id, errno } = letter;
  if (letter.kind === 'unterminated-quote') return { stream, id, kind: 'policy' };
  return errno === undefined ? { stream, id, kind: letter.class } : { stream, id, kind: letter.class, errno };
}
