import type { BinaryString } from '../../shared/binary-string.ts';
import type { StatementShape } from '../../shared/sql/statement-shape.ts';
import type { Plan, PlannedStatement } from './plan.ts';
import type { WorkResult } from './work.ts';

/** A log row or dirty event of the plan, with the id that its row has got. */
export interface ResolvedEffect {
  /** Place in the plan's `logs` or `dirty`. */
  readonly index: number;
  readonly id: bigint;
}

/** Which effects follow from what the statements did, and which wait with a statement that failed. */
export interface Effects {
  readonly logs: readonly ResolvedEffect[];
  readonly dirty: readonly ResolvedEffect[];
  /** Effects of rows to come of which there are fewer than effects: nobody can say which row they mean. */
  readonly withoutRow: { readonly logs: readonly number[]; readonly dirty: readonly number[] };
  /** By Redis pool, without namespace, each once. */
  readonly cacheKeys: ReadonlyMap<string, ReadonlySet<BinaryString>>;
  /** Places of what was not done. */
  readonly unapplied: {
    readonly statements: readonly number[];
    readonly logs: readonly number[];
    readonly dirty: readonly number[];
    /** Places among the keys of all Redis pools, one list after the other. */
    readonly cacheKeys: readonly number[];
  };
}

/** A row that an insert of the entry made, or should have made. */
interface InsertedRow {
  readonly statement: number;
  readonly pool: string;
  readonly table: string;
  /** Undefined where the insert failed and MySQL would have chosen the id. */
  readonly id: bigint | undefined;
}

/** What an effect says of the row it belongs to. */
interface RowClaim {
  readonly id: bigint;
  /** Whether the effect's name speaks of this table. */
  readonly isOf: (pool: string, table: string) => boolean;
}

/**
 * Tells each effect's statement: by the id and the table that its names speak of, and for the rows to come of inserts
 * (id 0) by the order of the rows. A failed statement takes its own effects with it; the rest are done.
 */
export function decideEffects(plan: Plan, results: readonly WorkResult[]): Effects {
  if (hasNoEffects(plan) && results.every(({ kind }) => kind === 'applied')) return NO_EFFECTS;
  const rows = insertedRows(plan, results);
  const logs = resolve(
    plan,
    results,
    rows,
    plan.logs.map(({ id, table: log }) => ({ id, isOf: (pool, table) => log === `_log_${pool}_${table}` })),
  );
  const dirty = resolve(
    plan,
    results,
    rows,
    plan.dirty.map(({ id, entity }) => ({
      id,
      isOf: (_pool, table) => table === entity.slice(entity.lastIndexOf('.') + 1),
    })),
  );
  const cache = decideCacheKeys(plan, results, rows);
  const failed = results.flatMap((result, index) => (result.kind === 'applied' ? [] : [index]));
  return {
    logs: logs.resolved,
    dirty: dirty.resolved,
    withoutRow: { logs: logs.withoutRow, dirty: dirty.withoutRow },
    cacheKeys: cache.keys,
    unapplied: {
      statements: failed,
      logs: [...logs.unapplied, ...logs.withoutRow],
      dirty: [...dirty.unapplied, ...dirty.withoutRow],
      cacheKeys: cache.unapplied,
    },
  };
}

const NO_EFFECTS: Effects = {
  logs: [],
  dirty: [],
  withoutRow: { logs: [], dirty: [] },
  cacheKeys: new Map(),
  unapplied: { statements: [], logs: [], dirty: [], cacheKeys: [] },
};

function hasNoEffects({ logs, dirty, cacheKeys }: Plan): boolean {
  return logs.length === 0 && dirty.length === 0 && cacheKeys.length === 0;
}

/** In the order of the event's inserts and of the rows in each. */
function insertedRows(plan: Plan, results: readonly WorkResult[]): InsertedRow[] {
  return plan.statements.flatMap(({ pool, shape }, statement) => {
    const rowIds = rowIdsOf(shape, plan);
    const table = shape.kind === 'insert' ? shape.table : '';
    const result = results[statement];
    let next = result?.kind === 'applied' ? result.insertId : undefined;
    return rowIds.map((given) => {
      if (given !== undefined) return { statement, pool, table, id: given };
      const id = next;
      if (next !== undefined && result?.kind === 'applied') next += result.increment;
      return { statement, pool, table, id };
    });
  });
}

/** One for each row: its id where the statement gives it. An insert that isn't understood has as many as are asked for. */
function rowIdsOf(shape: StatementShape, { logs, dirty }: Plan): readonly (bigint | undefined)[] {
  if (shape.kind === 'insert') return shape.rowIds;
  if (shape.kind !== 'other' || !/^(INSERT|REPLACE)$/.test(shape.verb)) return [];
  const asked = Math.max(logs.filter(isOfRowToCome).length, dirty.filter(isOfRowToCome).length);
  return Array.from({ length: Math.max(1, asked) }, () => undefined);
}

function isOfRowToCome({ id }: { readonly id: bigint }): boolean {
  return id === 0n;
}

function resolve(
  plan: Plan,
  results: readonly WorkResult[],
  rows: readonly InsertedRow[],
  claims: readonly RowClaim[],
): { resolved: ResolvedEffect[]; unapplied: number[]; withoutRow: number[] } {
  const resolved: ResolvedEffect[] = [];
  const unapplied: number[] = [];
  const withoutRow: number[] = [];
  const unnamed = rowsOfUnnamedTable(rows, claims);
  const taken = new Set<InsertedRow>();
  for (const [index, claim] of claims.entries()) {
    const isToCome = claim.id === 0n && rows.length > 0;
    const owner = isToCome ? takeRow(rows, unnamed, taken, claim) : ownerOf(plan, results, claim);
    if (owner === undefined) {
      if (isToCome) withoutRow.push(index);
      else resolved.push({ index, id: claim.id });
    } else if (results[owner.statement]?.kind === 'applied' && owner.id !== undefined) {
      resolved.push({ index, id: owner.id });
    } else unapplied.push(index);
  }
  return { resolved, unapplied, withoutRow };
}

/** The next row to come that no other effect of this kind has taken. */
function takeRow(
  rows: readonly InsertedRow[],
  unnamed: readonly InsertedRow[],
  taken: Set<InsertedRow>,
  claim: RowClaim,
): InsertedRow | undefined {
  const ofTable = rows.filter((row) => claim.isOf(row.pool, row.table));
  const row = (ofTable.length > 0 ? ofTable : unnamed).find((candidate) => !taken.has(candidate));
  if (row !== undefined) taken.add(row);
  return row;
}

/**
 * The rows that effects mean whose name tells no table of the event, since the entity's table has a name of its own. The
 * producer keeps the effects of one statement only, the last that has any: so the last insert with as many rows as there
 * are such effects, or else the last one.
 */
function rowsOfUnnamedTable(
  rows: readonly InsertedRow[],
  claims: readonly RowClaim[],
): readonly InsertedRow[] {
  const isNamed = (row: InsertedRow) => claims.some((claim) => claim.isOf(row.pool, row.table));
  const unnamedClaims = claims.filter(
    (claim) => claim.id === 0n && !rows.some((row) => claim.isOf(row.pool, row.table)),
  );
  const others = rows.filter((row) => !isNamed(row));
  const inserts = [...Map.groupBy(others.length > 0 ? others : rows, ({ statement }) => statement).values()];
  return inserts.findLast((insert) => insert.length === unnamedClaims.length) ?? inserts.at(-1) ?? [];
}

/**
 * The statement that touches the row; of several the failed one, for an effect must not tell of what may not have
 * happened. Undefined where no statement of the event touches it.
 */
function ownerOf(
  plan: Plan,
  results: readonly WorkResult[],
  claim: RowClaim,
): Pick<InsertedRow, 'statement' | 'id'> | undefined {
  const touching = plan.statements.flatMap((statement, index) =>
    touches(statement, claim.id) ? [index] : [],
  );
  const ofTable = touching.filter((index) => isOfTable(plan.statements[index], claim));
  const candidates = ofTable.length > 0 ? ofTable : touching;
  const failed = candidates.find((index) => results[index]?.kind !== 'applied');
  const statement = failed ?? candidates[0];
  return statement === undefined ? undefined : { statement, id: claim.id };
}

function isOfTable(statement: PlannedStatement | undefined, claim: RowClaim): boolean {
  if (statement === undefined || statement.shape.kind === 'other') return false;
  return claim.isOf(statement.pool, statement.shape.table);
}

function touches({ shape, id }: PlannedStatement, rowId: bigint): boolean {
  if (id === rowId) return true;
  if (shape.kind === 'update' || shape.kind === 'delete') return shape.ids.includes(rowId);
  return shape.kind === 'insert' && shape.rowIds.includes(rowId);
}

const ROW_TO_COME = /:0$/;

/**
 * Deleting one key too many does no harm, one too few does. So a key of a row to come is deleted for every row that the
 * event made, and of what failed only the keys that name its rows alone are kept.
 */
function decideCacheKeys(
  plan: Plan,
  results: readonly WorkResult[],
  rows: readonly InsertedRow[],
): { keys: Map<string, Set<BinaryString>>; unapplied: number[] } {
  const newIds = rows.flatMap(({ id, statement }) =>
    id !== undefined && results[statement]?.kind === 'applied' ? [id] : [],
  );
  const isAnyApplied = results.length === 0 || results.some(({ kind }) => kind === 'applied');
  const keys = new Map<string, Set<BinaryString>>();
  const unapplied: number[] = [];
  let index = 0;
  for (const { redisPool, keys: list } of plan.cacheKeys) {
    const deleted = keys.get(redisPool) ?? new Set();
    keys.set(redisPool, deleted);
    for (const key of list) {
      const names = namesOf(key, newIds, rows);
      const isKept = names.length === 0 || !isAnyApplied || belongsToFailed(plan, results, key);
      if (isKept || isRowFailed(key, rows, newIds)) unapplied.push(index);
      index++;
      if (!isKept) for (const name of names) deleted.add(name);
    }
  }
  return { keys, unapplied };
}

function namesOf(key: BinaryString, newIds: readonly bigint[], rows: readonly InsertedRow[]): BinaryString[] {
  if (!ROW_TO_COME.test(key) || rows.length === 0) return [key];
  return newIds.map((id) => (key.slice(0, -1) + id) as BinaryString);
}

/** A key of rows to come, some of which did not come. */
function isRowFailed(key: BinaryString, rows: readonly InsertedRow[], newIds: readonly bigint[]): boolean {
  return ROW_TO_COME.test(key) && newIds.length < rows.length;
}

function belongsToFailed(plan: Plan, results: readonly WorkResult[], key: BinaryString): boolean {
  const id = /:(\d+)$/.exec(key)?.[1];
  if (id === undefined || id === '0') return false;
  const touching = results.filter((_, index) => {
    const statement = plan.statements[index];
    return statement !== undefined && touches(statement, BigInt(id));
  });
  return touching.length > 0 && touching.every(({ kind }) => kind !== 'applied');
}
