import type { BinaryString } from '../../../../shared/binary-string.ts';
import type { StatementShape } from '../../../../shared/sql/statement-shape.ts';
import type { CacheKeys, DirtyEvent } from '../../../../shared/wire/lazy-event.ts';
import type { LogValue } from '../../../../shared/wire/log-value.ts';
import type { Rejected } from '../../settlement/rejection.ts';

export interface PlannedStatement {
  /** MySQL pool. */
  readonly pool: string;
  readonly sql: BinaryString;
  readonly shape: StatementShape;
  /** The row's ID according to the event; 0 for an insert. */
  readonly id: bigint;
}

/** Everything that an entry asks for, decoded and checked: nothing in it is known to be impossible. */
export interface Plan {
  readonly statements: readonly PlannedStatement[];
  readonly logs: readonly LogValue[];
  readonly dirty: readonly DirtyEvent[];
  readonly cacheKeys: readonly CacheKeys[];
}

export const NOTHING_TO_DO: Plan = { statements: [], logs: [], dirty: [], cacheKeys: [] };

/** True if nothing follows from its statements. */
export function isStatementsAlone(plan: Plan): boolean {
  return plan.logs.length === 0 && hasNoEffectInRedis(plan);
}

/** True if it asks for nothing but log rows. */
export function isLogsAlone(plan: Plan): boolean {
  return plan.statements.length === 0 && plan.logs.length > 0 && hasNoEffectInRedis(plan);
}

function hasNoEffectInRedis({ dirty, cacheKeys }: Plan): boolean {
  return dirty.length === 0 && cacheKeys.length === 0;
}

export type Planned = { readonly ok: true; readonly plan: Plan } | Rejected;

/** The pools and statements that an entry may name. */
export interface PlanRules {
  readonly mysqlPools: { has(code: string): boolean };
  readonly redisPools: { has(code: string): boolean };
  /** Verbs in upper case. */
  readonly allowedStatements: { has(verb: string): boolean };
}
