import { readRecording } from '../../infra/local/recording/recording.ts';
import type { CacheKey, Outcome } from '../oracle/outcome.ts';
import type { StreamEntry } from '../oracle/stream-entry.ts';
import { decodeDirtyEvent, decodeLazyEvent, decodeLogValue, type LogValue } from '../oracle/wire.ts';
import { idOf } from './id-mapping.ts';
import { canonicalJson, isLogTable } from './log-rows.ts';
import type { Row, Tables } from './read-tables.ts';
import { entriesOf } from './recorded-entries.ts';
import { readJson, tablesOf } from './recorded-tables.ts';
import { LAZY_STREAM, LOG_STREAM } from './test-registry.ts';

/** The expected outcome of the recording `crud`. Its ids are exact, because no statement in it fails. */
export function crudOutcome(directory: string): Outcome {
  const recording = readRecording(directory);
  const entries = entriesOf(recording);
  const before = tablesOf(recording.rows, recording.schemaSql);
  const after = tablesOf(readJson(`${directory}/after.json`), recording.schemaSql);
  const streams: Record<string, { s: string }[]> = readJson(`${directory}/after-streams.json`);
  return {
    tables: withEventTimes(after, logValuesOf(entries)),
    identity: ['ID'],
    autoIds: new Map(),
    entityTables: new Map(),
    dirtyEvents: new Map(
      Object.entries(streams).map(([stream, entriesOfStream]) => [
        stream,
        entriesOfStream.map(({ s }) => decodeDirtyEvent(Buffer.from(s, 'base64'))),
      ]),
    ),
    deletedKeys: cacheKeysOf(entries, newIds('bee.UserEntity', before, after)),
    keptKeys: [],
    deadLetters: [],
  };
}

function bodiesOf(entries: readonly StreamEntry[], ofStream: string): Buffer[] {
  return entries
    .filter(({ stream }) => stream === ofStream)
    .map(({ fields }) => fields['s'] ?? Buffer.alloc(0));
}

function logValuesOf(entries: readonly StreamEntry[]): LogValue[] {
  const lazyEvents = bodiesOf(entries, LAZY_STREAM).map(decodeLazyEvent);
  return [
    ...lazyEvents.flatMap(({ logValues }) => logValues),
    ...bodiesOf(entries, LOG_STREAM).map(decodeLogValue),
  ];
}

/** BeeORM's consumer writes its own time into the log rows of lazy events, while ours writes the event's time. */
function withEventTimes(tables: Tables, logValues: readonly LogValue[]): Tables {
  const timeOf = (table: string, row: Row) => {
    const text = ({ meta, before, changes }: Row | LogValue) =>
      [meta, before, changes].map(canonicalJson).join();
    const logValue = logValues.find(
      (value) => table.endsWith(`.${value.table}`) && text(value) === text(row),
    );
    if (logValue === undefined) throw new Error(`no entry contains the log row ${JSON.stringify(row)}`);
    return logValue.updated.toISOString().slice(0, 19).replace('T', ' ');
  };
  return new Map(
    [...tables].map(([table, rows]) => [
      table,
      isLogTable(table) ? rows.map((row) => ({ ...row, added_at: timeOf(table, row) })) : rows,
    ]),
  );
}

function newIds(table: string, before: Tables, after: Tables): string[] {
  const known = new Set(before.get(table)?.map(idOf));
  return (after.get(table) ?? []).map(idOf).filter((id) => !known.has(id));
}

/** Each `:0` is the id of the next inserted user, because no other inserted entity of this recording is cached. */
function cacheKeysOf(entries: readonly StreamEntry[], userIds: string[]): CacheKey[] {
  return bodiesOf(entries, LAZY_STREAM)
    .flatMap((body) => decodeLazyEvent(body).cacheKeys)
    .map(({ pool, key }) => ({ pool, key: key.replace(/:0$/, () => `:${userIds.shift()}`) }));
}
