import type { WorkResult } from '../../ledger/work-item.ts';
import type { InsertedRow, TouchingStatements } from './effect-rows.ts';
import type { Plan } from './plan.ts';

/** A log row or dirty event of the plan, with the ID of its row. */
export interface ResolvedEffect {
  /** Index in the plan's `logs` or `dirty`. */
  readonly index: number;
  readonly id: bigint;
}

/** How an effect identifies the row that it belongs to. */
export interface RowClaim {
  /** 0 for an inserted row. */
  readonly id: bigint;
  /** The effect's name for the row's table. */
  readonly name: string;
}

export interface ResolvedEffects {
  readonly resolved: readonly ResolvedEffect[];
  /** Indexes of the effects whose statement failed. */
  readonly unapplied: readonly number[];
  /** Indexes of effects of inserted rows, beyond the number of rows: it is unknown which row they belong to. */
  readonly withoutRow: readonly number[];
}

/** What an entry's statements did: the basis for attributing effects to them. */
export interface StatementOutcome {
  readonly plan: Plan;
  readonly results: readonly WorkResult[];
  readonly rows: readonly InsertedRow[];
  readonly touching: TouchingStatements;
}

const NO_EFFECTS: ResolvedEffects = { resolved: [], unapplied: [], withoutRow: [] };

/** `nameOf`: the name that effects of this kind use for a table. */
export function resolveEffects(
  outcome: StatementOutcome,
  claims: readonly RowClaim[],
  nameOf: (pool: string, table: string) => string,
): ResolvedEffects {
  if (claims.length === 0) return NO_EFFECTS;
  const resolved: ResolvedEffect[] = [];
  const unapplied: number[] = [];
  const withoutRow: number[] = [];
  const insertedRows = new InsertedRows(outcome.rows, claims, nameOf);
  for (const [index, claim] of claims.entries()) {
    const isInserted = claim.id === 0n && outcome.rows.length > 0;
    const owner = isInserted ? insertedRows.take(claim.name) : ownerOf(outcome, claim, nameOf);
    if (owner === undefined) {
      if (isInserted) withoutRow.push(index);
      else resolved.push({ index, id: claim.id });
    } else if (outcome.results[owner.statement]?.kind === 'applied' && owner.id !== undefined)
      resolved.push({ index, id: owner.id });
    else unapplied.push(index);
  }
  return { resolved, unapplied, withoutRow };
}

/** Hands out the rows that inserts created, each once, in order. */
class InsertedRows {
  readonly #byName: ReadonlyMap<string, Iterator<InsertedRow>>;
  readonly #unnamed: Iterator<InsertedRow>;

  constructor(
    rows: readonly InsertedRow[],
    claims: readonly RowClaim[],
    nameOf: (pool: string, table: string) => string,
  ) {
    const byName = Map.groupBy(rows, ({ pool, table }) => nameOf(pool, table));
    this.#byName = new Map([...byName].map(([name, ofName]) => [name, ofName.values()]));
    const claimed = new Set(claims.map(({ name }) => name));
    const others = rows.filter(({ pool, table }) => !claimed.has(nameOf(pool, table)));
    const unnamedCount = claims.filter(({ id, name }) => id === 0n && !byName.has(name)).length;
    this.#unnamed = rowsOfUnnamedTable(others.length > 0 ? others : rows, unnamedCount).values();
  }

  take(name: string): InsertedRow | undefined {
    return (this.#byName.get(name) ?? this.#unnamed).next().value;
  }
}

/**
 * The rows for effects whose name matches no table of the event, because the entity's table has a custom name. The
 * producer keeps the effects of only the last statement that has any. So these are the rows of the last insert
 * with as many rows as there are such effects, or otherwise of the last insert.
 */
function rowsOfUnnamedTable(rows: readonly InsertedRow[], count: number): readonly InsertedRow[] {
  const inserts = [...Map.groupBy(rows, ({ statement }) => statement).values()];
  return inserts.findLast((insert) => insert.length === count) ?? inserts.at(-1) ?? [];
}

/**
 * The statement that touches the row. If there are several, a failed one: an effect must not report a change that may not
 * have happened. Undefined if no statement of the event touches the row.
 */
function ownerOf(
  { plan, results, touching }: StatementOutcome,
  claim: RowClaim,
  nameOf: (pool: string, table: string) => string,
): Pick<InsertedRow, 'statement' | 'id'> | undefined {
  const ofRow = touching.get(claim.id) ?? [];
  const ofTable = ofRow.filter((index) => {
    const statement = plan.statements[index];
    if (statement === undefined || statement.shape.kind === 'other') return false;
    return nameOf(statement.pool, statement.shape.table) === claim.name;
  });
  const candidates = ofTable.length > 0 ? ofTable : ofRow;
  const failed = candidates.find((index) => results[index]?.kind !== 'applied');
  const statement = failed ?? candidates[0];
  return statement === undefined ? undefined : { statement, id: claim.id };
}
