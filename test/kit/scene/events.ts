import { Time, type WireValue } from '../generate/messagepack.ts';

/** The parts of a lazy event other than its statements. */
export interface EventEffects {
  /** Keys by Redis pool. */
  readonly cacheKeys?: { readonly [pool: string]: readonly string[] };
  readonly logs?: readonly WireValue[];
  readonly dirty?: readonly WireValue[];
}

/** A statement of an event: SQL, and the id of its row (0 for an insert). */
export interface EventStatement {
  readonly sql: string;
  readonly id?: number;
  /** Default: `default`. */
  readonly pool?: string;
}

export function lazyEvent(statements: readonly EventStatement[], effects: EventEffects = {}): WireValue {
  const { cacheKeys, logs, dirty } = effects;
  return {
    ...(statements.length === 0
      ? {}
      : {
          q: statements.map(({ sql, pool = 'default' }) => [pool, sql, null]),
          i: statements.map(({ id = 0 }) => id),
          o: 'u',
        }),
    ...(cacheKeys === undefined ? {} : { cr: cacheKeys }),
    ...(logs === undefined ? {} : { l: logs }),
    ...(dirty === undefined ? {} : { d: dirty }),
  };
}

/** An event with one `INSERT INTO Thing(…)`, which MySQL would execute a second time without an error. */
export function insertThing(name: string, effects: EventEffects = {}): WireValue {
  return lazyEvent([{ sql: insertThingSql(name) }], effects);
}

export function insertThingSql(name: string, code?: string): string {
  const value = code === undefined ? 'NULL' : `'${code}'`;
  return `INSERT INTO Thing(\`Name\`,\`Code\`) VALUES ('${name}',${value})`;
}

/** Increments the row's `Count`, which therefore shows how often the statement has been executed. */
export function countUp(id: number): EventStatement {
  return { sql: `UPDATE Thing SET \`Count\`=\`Count\`+1 WHERE \`ID\` = ${id}`, id };
}

export function thingLog(id: number, changes: WireValue = { Name: 'x' }): WireValue {
  return {
    PoolName: 'default',
    TableName: '_log_default_Thing',
    ID: id,
    LogID: 0,
    Meta: null,
    Before: null,
    Changes: changes,
    Updated: new Time(1_700_000_000, 0),
  };
}

export function thingDirty(id: number, streams: readonly string[] = ['thing-changed']): WireValue {
  return { Event: { I: id, A: 'i', E: 'main.Thing' }, Streams: streams };
}
