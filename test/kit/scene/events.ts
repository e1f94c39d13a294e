import { Time, type WireValue } from '../generate/messagepack.ts';

/** Parts of a lazy event beside its statements. */
export interface EventEffects {
  /** By Redis pool. */
  readonly cacheKeys?: { readonly [pool: string]: readonly string[] };
  readonly logs?: readonly WireValue[];
  readonly dirty?: readonly WireValue[];
}

/** A statement as an event carries it: SQL, and the id of its row (0: an insert's). */
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

/** An event of one statement: `INSERT INTO Thing(…)`, which MySQL would do a second time without a word. */
export function insertThing(name: string, effects: EventEffects = {}): WireValue {
  return lazyEvent([{ sql: insertThingSql(name) }], effects);
}

export function insertThingSql(name: string, code?: string): string {
  const value = code === undefined ? 'NULL' : `'${code}'`;
  return `INSERT INTO Thing(\`Name\`,\`Code\`) VALUES ('${name}',${value})`;
}

/** Adds one to the row's `Count`: each time that it is done shows. */
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
