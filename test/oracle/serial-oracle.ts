import { readTables } from '../kit/read-tables.ts';
import { LAZY_STREAM, LOG_STREAM, type TestRegistry } from '../kit/test-registry.ts';
import { attributeLogValues, type StatementResult } from './attribution.ts';
import { OracleDatabase } from './database.ts';
import { entityTables } from './entity-tables.ts';
import type { ExpectedDeadLetter, FailureClass, Outcome } from './outcome.ts';
import { RedisEffects } from './redis-effects.ts';
import { insertedIdLiterals, isInsert, tableOf } from './statement.ts';
import type { StreamEntry } from './stream-entry.ts';
import { validateLazyEntry, validateLogEntry } from './validate.ts';
import { decodeDirtyEvent, type LazyEvent } from './wire.ts';

/**
 * Applies a history in the simplest way possible, one entry and one statement at a time, and returns the state that
 * must result from it. The oracle shares no code with the consumer that it checks, so a bug in one can't hide in the
 * other.
 *
 * The databases of `registry` contain the state before the history, and afterwards the state after it. All log entries
 * are applied after all lazy entries: they only add log rows, which have no order.
 *
 * @throws {Error} if MySQL reports an error that the statement did not cause (a deadlock, a lost connection)
 */
export async function applySerially(
  registry: TestRegistry,
  entries: readonly StreamEntry[],
): Promise<Outcome> {
  const oracle = new SerialOracle(registry);
  try {
    return await oracle.apply(entries);
  } finally {
    await oracle.close();
  }
}

class SerialOracle {
  readonly #registry: TestRegistry;
  readonly #databases = new Map<string, OracleDatabase>();
  readonly #autoIds = new Map<string, Set<string>>();
  readonly #redis = new RedisEffects();
  readonly #deadLetters: ExpectedDeadLetter[] = [];

  constructor(registry: TestRegistry) {
    this.#registry = registry;
  }

  async apply(entries: readonly StreamEntry[]): Promise<Outcome> {
    for (const { stream, fields } of entries) {
      const isDirtyStream = !stream.startsWith('orm-') && this.#registry.streamPools.has(stream);
      if (isDirtyStream && fields['s'] !== undefined)
        this.#redis.publish(stream, decodeDirtyEvent(fields['s']));
    }
    for (const entry of entries) if (entry.stream === LAZY_STREAM) await this.#applyLazyEntry(entry);
    for (const entry of entries) if (entry.stream === LOG_STREAM) await this.#applyLogEntry(entry);
    return await this.#outcome();
  }

  async close(): Promise<void> {
    for (const database of this.#databases.values()) await database.close();
  }

  async #applyLazyEntry(entry: StreamEntry): Promise<void> {
    const validated = validateLazyEntry(entry, this.#registry);
    if ('refused' in validated) {
      this.#redis.keepKeys(validated.withoutEffect);
      return this.#refuse(entry, validated.refused);
    }
    const event = validated.value;
    const results: StatementResult[] = [];
    for (const index of event.statements.keys()) results.push(await this.#execute(event, index));
    const logs = await this.#writeLogRows(event, results);
    const dirty = this.#redis.publishAll(event, results);
    const inserted = results.find(({ rowIds }) => rowIds.length > 0);
    this.#redis.deleteKeys(event, results, inserted && this.#nameOf(inserted.pool, inserted.table));
    const statements = results.flatMap(({ errno }, index) => (errno === undefined ? [] : [index]));
    const errno = results.find((result) => result.errno !== undefined)?.errno ?? logs.errno;
    if (errno !== undefined)
      this.#moveToDeadLetters(entry, errno, { statements, logs: logs.unwritten, dirty });
  }

  async #applyLogEntry(entry: StreamEntry): Promise<void> {
    const validated = validateLogEntry(entry, this.#registry);
    if ('refused' in validated) return this.#refuse(entry, validated.refused);
    const database = await this.#database(validated.value.pool);
    const execution = await database.insertLogRow(validated.value, validated.value.id);
    if ('errno' in execution) this.#moveToDeadLetters(entry, execution.errno);
  }

  async #execute(event: LazyEvent, index: number): Promise<StatementResult> {
    const { pool, sql } = event.statements[index] ?? { pool: '', sql: '' };
    const database = await this.#database(pool);
    const table = tableOf(sql);
    const entityId = event.ids[index] ?? '0';
    const literals = isInsert(sql) ? insertedIdLiterals(sql) : [];
    const ownIds = literals.filter((literal) => literal !== undefined);
    const execution = await database.execute(sql);
    if ('errno' in execution) {
      const rowIds = literals.map(() => undefined);
      return { pool, table, entityId, rowIds, ownIds, errno: execution.errno };
    }
    const rowIds = literals.map(
      (literal, row) => literal ?? String(BigInt(execution.firstId) + BigInt(row * database.idStep)),
    );
    const chosen = rowIds.filter((_, row) => literals[row] === undefined);
    if (chosen.length > 0) {
      const name = this.#nameOf(pool, table);
      this.#autoIds.set(name, new Set([...(this.#autoIds.get(name) ?? []), ...chosen]));
    }
    return { pool, table, entityId, rowIds, ownIds };
  }

  /** @returns MySQL's first error, and the indexes of unwritten log values: refused, or withheld with their row */
  async #writeLogRows(
    event: LazyEvent,
    results: readonly StatementResult[],
  ): Promise<{ errno: number | undefined; unwritten: number[] }> {
    const rows = attributeLogValues(event, results);
    const unwritten: number[] = [];
    let errno: number | undefined;
    for (const [index, logValue] of event.logValues.entries()) {
      const { applied, id = '0' } = rows[index] ?? { applied: false };
      const database = await this.#database(logValue.pool);
      const execution = applied === false ? undefined : await database.insertLogRow(logValue, id);
      if (execution !== undefined && 'errno' in execution) errno ??= execution.errno;
      if (execution === undefined || 'errno' in execution) unwritten.push(index);
    }
    return { errno, unwritten };
  }

  #refuse({ stream, id }: StreamEntry, kind: FailureClass): void {
    this.#deadLetters.push({ stream, id, kind });
  }

  #moveToDeadLetters(
    { stream, id }: StreamEntry,
    errno: number,
    unapplied?: ExpectedDeadLetter['unapplied'],
  ): void {
    this.#deadLetters.push({ stream, id, kind: 'mysql', errno, ...(unapplied && { unapplied }) });
  }

  async #outcome(): Promise<Outcome> {
    const databases = await Promise.all([...this.#registry.mysql.values()].map(readTables));
    const tables = new Map(databases.flatMap((database) => [...database]));
    return {
      tables,
      identity: ['Code', 'ID'],
      autoIds: this.#autoIds,
      entityTables: entityTables(this.#registry, tables),
      dirtyEvents: this.#redis.dirtyEvents,
      deletedKeys: this.#redis.deletedKeys,
      keptKeys: this.#redis.keptKeys,
      deadLetters: this.#deadLetters,
    };
  }

  /** The name that expectations use for a table. */
  #nameOf(pool: string, table: string): string {
    return `${this.#registry.mysql.get(pool)?.schema ?? pool}.${table}`;
  }

  async #database(code: string): Promise<OracleDatabase> {
    const pool = this.#registry.mysql.get(code);
    if (pool === undefined) throw new Error(`unknown pool ${code}`);
    const database = this.#databases.get(code) ?? (await OracleDatabase.open(pool));
    this.#databases.set(code, database);
    return database;
  }
}
