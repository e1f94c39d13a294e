import { encode, Time, type WireValue } from './messagepack.ts';
import type { Random } from './random.ts';
import { type EntityTable, logTableOf } from './schema.ts';
import type { Values } from './values.ts';

/** Builds one lazy event, statement by statement, with the effects that BeeORM publishes for each statement. */
export class LazyEvent {
  readonly #random: Random;
  readonly #statements: WireValue[] = [];
  readonly #ids: bigint[] = [];
  readonly #logs: WireValue[][] = [];
  readonly #dirty: WireValue[][] = [];
  readonly #cacheKeys = new Map<string, string[]>();
  readonly #touched = new Set<string>();
  readonly #insertedTables: EntityTable[] = [];
  #operation = 'u';

  constructor(random: Random) {
    this.#random = random;
  }

  /** Returns true if the event already has a statement on this row. BeeORM writes at most one per row and event. */
  touches({ name }: EntityTable, id: bigint): boolean {
    return this.#touched.has(`${name} ${id}`);
  }

  /**
   * Returns true if effects can still be assigned to their rows after an insert into this table. An event inserts into
   * each table at most once, and cache keys that end in `:0` don't name their table, so an event with an insert into a
   * cached table contains no other insert.
   */
  mayInsert(table: EntityTable): boolean {
    if (this.#insertedTables.includes(table)) return false;
    return (
      this.#insertedTables.length === 0 ||
      [table, ...this.#insertedTables].every(({ cache }) => cache === undefined)
    );
  }

  /** All rows have the same columns: `Code` is one of them, and so is `ID` if the table's ids are uuids. */
  insert(table: EntityTable, rows: readonly Values[]): void {
    const columns = this.#random.shuffled(Object.keys(rows[0] ?? {}));
    const tuples = rows.map((row) =>
      Buffer.concat([
        Buffer.from('('),
        joined(columns.map((column) => row[column]?.sql ?? Buffer.alloc(0))),
        Buffer.from(')'),
      ]),
    );
    const names = columns.map((column) => `\`${column}\``).join();
    this.#add(
      table,
      0n,
      Buffer.concat([Buffer.from(`INSERT INTO ${table.name}(${names}) VALUES `), joined(tuples)]),
    );
    this.#insertedTables.push(table);
    this.#effects(table, 0n, 'i', rows);
    if (table.cache !== undefined) {
      for (const _ of rows) this.deleteKey(table.cache.pool, `${table.cache.prefix}:0`);
      this.deleteKey(table.cache.pool, `${table.cache.prefix}_All`);
    }
  }

  update(table: EntityTable, id: bigint, values: Values): void {
    const assignments = Object.entries(values).map(([column, { sql }]) =>
      Buffer.concat([Buffer.from(`\`${column}\`=`), sql]),
    );
    const where = ` WHERE \`ID\` = ${id}`;
    this.#add(
      table,
      id,
      Buffer.concat([Buffer.from(`UPDATE ${table.name} SET `), joined(assignments), Buffer.from(where)]),
    );
    this.#effects(table, id, 'u', [values]);
    this.#deleteRowKey(table, id);
  }

  delete(table: EntityTable, id: bigint): void {
    this.#add(table, id, Buffer.from(`DELETE FROM \`${table.name}\` WHERE \`ID\` IN (${id})`));
    this.#effects(table, id, 'd', [undefined]);
    this.#deleteRowKey(table, id);
  }

  /** Adds a statement that belongs to no entity and has no effects. */
  statement(pool: string, sql: string, id = 0n): void {
    this.#statements.push([pool, sql, null]);
    this.#ids.push(id);
  }

  deleteKey(pool: string, key: string): void {
    this.#cacheKeys.set(pool, [...(this.#cacheKeys.get(pool) ?? []), key]);
  }

  /** Half of the events keep only the last statement's log values and dirty events, as BeeORM's do. */
  encode(): Buffer {
    const [logs, dirty] = this.#random.chance(0.5)
      ? [this.#logs.slice(-1), this.#dirty.slice(-1)]
      : [this.#logs, this.#dirty];
    const members: [string, WireValue][] = [];
    if (this.#statements.length > 0)
      members.push(['q', this.#statements], ['i', this.#ids], ['o', this.#operation]);
    if (logs.length > 0) members.push(['l', logs.flat()]);
    if (dirty.length > 0) members.push(['d', dirty.flat()]);
    if (this.#cacheKeys.size > 0) members.push(['cr', Object.fromEntries(this.#cacheKeys)]);
    return encode(Object.fromEntries(this.#random.shuffled(members)));
  }

  #add(table: EntityTable, id: bigint, sql: Buffer): void {
    this.#statements.push([table.pool, sql, null]);
    this.#ids.push(id);
    this.#operation = id === 0n ? 'i' : 'u';
    this.#touched.add(`${table.name} ${id}`);
  }

  #effects(table: EntityTable, id: bigint, action: string, rows: readonly (Values | undefined)[]): void {
    if (table.logPool !== undefined)
      this.#logs.push(rows.map((row) => logValue(this.#random, table, id, row)));
    if (table.dirtyStreams.length > 0) {
      const event = { Event: { I: id, A: action, E: `main.${table.name}` }, Streams: table.dirtyStreams };
      this.#dirty.push(rows.map(() => event));
    }
  }

  #deleteRowKey({ cache }: EntityTable, id: bigint): void {
    if (cache !== undefined) this.deleteKey(cache.pool, `${cache.prefix}:${id}`);
  }
}

/** @param changes undefined for a deletion, whose log value contains the row's previous values instead */
export function logValue(
  random: Random,
  table: EntityTable,
  id: bigint,
  changes: Values | undefined,
): { readonly [name: string]: WireValue } {
  const values =
    changes && Object.fromEntries(Object.entries(changes).map(([column, { wire }]) => [column, wire]));
  return {
    PoolName: table.logPool ?? 'logs',
    TableName: logTableOf(table),
    ID: id,
    LogID: 0,
    Meta: random.pick([null, { ip: '10.0.0.1', ratio: 0.5, admin_id: 2n ** 63n }]),
    Before: values === undefined ? { Name: 'before' } : null,
    Changes: values ?? null,
    Updated: random.pick([
      new Time(1_700_000_000 + random.integer(0, 99), random.integer(0, 999_999_999)),
      new Time(random.integer(0, 4_000_000_000), 0),
      new Time(-random.integer(1, 1_000_000_000), 5),
    ]),
  };
}

function joined(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(','), part])));
}
