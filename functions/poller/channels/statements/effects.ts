import type { BinaryString } from '../../../../shared/binary-string.ts';
import type { WorkResult } from '../../ledger/work-item.ts';
import { decideCacheKeys } from './effect-cache-keys.ts';
import { type ResolvedEffect, resolveEffects, type StatementOutcome } from './effect-owners.ts';
import { insertedRows, touchingStatements } from './effect-rows.ts';
import { isStatementsAlone, type Plan } from './plan.ts';

export type { ResolvedEffect } from './effect-owners.ts';

/** The effects that follow from what the statements did, and those that remain unapplied with a failed statement. */
export interface Effects {
  readonly logs: readonly ResolvedEffect[];
  readonly dirty: readonly ResolvedEffect[];
  /** Effects of inserted rows, beyond the number of rows: it is unknown which row they belong to. */
  readonly withoutRow: { readonly logs: readonly number[]; readonly dirty: readonly number[] };
  /** Distinct keys by Redis pool, without namespace. */
  readonly cacheKeys: ReadonlyMap<string, ReadonlySet<BinaryString>>;
  /** Redis pools of cache keys that the registry does not name: only a rejected entry has any. */
  readonly unknownRedisPools: readonly string[];
  /** Indexes of what was not applied. */
  readonly unapplied: {
    readonly statements: readonly number[];
    readonly logs: readonly number[];
    readonly dirty: readonly number[];
    /** Indexes among the keys of all Redis pools, one list after the other. */
    readonly cacheKeys: readonly number[];
  };
}

const NO_EFFECTS: Effects = {
  logs: [],
  dirty: [],
  withoutRow: { logs: [], dirty: [] },
  cacheKeys: new Map(),
  unknownRedisPools: [],
  unapplied: { statements: [], logs: [], dirty: [], cacheKeys: [] },
};

/**
 * Attributes each effect to a statement: by the ID and the table that the effect names, or by the order of the rows if the
 * effect belongs to an insert (ID 0). A failed statement takes only its own effects with it.
 */
export function decideEffects(
  plan: Plan,
  results: readonly WorkResult[],
  redisPools: Pick<ReadonlySet<string>, 'has'>,
): Effects {
  if (isStatementsAlone(plan) && results.every(({ kind }) => kind === 'applied')) return NO_EFFECTS;
  const outcome: StatementOutcome = {
    plan,
    results,
    rows: insertedRows(plan, results),
    touching: touchingStatements(plan.statements),
  };
  const logClaims = plan.logs.map(({ id, table }) => ({ id, name: table }));
  const logs = resolveEffects(outcome, logClaims, (pool, table) => `_log_${pool}_${table}`);
  const dirtyClaims = plan.dirty.map(({ id, entity }) => ({ id, name: withoutPackage(entity) }));
  const dirty = resolveEffects(outcome, dirtyClaims, (_pool, table) => table);
  const cache = decideCacheKeys(outcome, redisPools);
  return {
    logs: logs.resolved,
    dirty: dirty.resolved,
    withoutRow: { logs: logs.withoutRow, dirty: dirty.withoutRow },
    cacheKeys: cache.keys,
    unknownRedisPools: cache.unknownPools,
    unapplied: {
      statements: results.flatMap((result, index) => (result.kind === 'applied' ? [] : [index])),
      logs: [...logs.unapplied, ...logs.withoutRow],
      dirty: [...dirty.unapplied, ...dirty.withoutRow],
      cacheKeys: cache.unapplied,
    },
  };
}

/** BeeORM names an entity by its Go type, such as `main.UserEntity`; its table has the type's name or a custom one. */
function withoutPackage(entity: string): string {
  return entity.slice(entity.lastIndexOf('.') + 1);
}
