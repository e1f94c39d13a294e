import type { Unapplied } from '../../../shared/dead-letter.ts';
import type { Plan, PlanRules } from '../channels/statements/plan.ts';
import type { StatementSource } from '../channels/statements/statement-channel.ts';

/** Allows everything that the entry names, because the next drain checks the redriven entry again. */
const ALLOW_ALL: PlanRules = {
  mysqlPools: { has: () => true },
  redisPools: { has: () => true },
  allowedStatements: { has: () => true },
};

/**
 * Encodes a body with only the remaining work. Rows that have been inserted in the meantime are named by their IDs.
 * Therefore any consumer can execute the entry as it is, and none can repeat work that is already done.
 */
export function remainingBody(source: StatementSource, body: Buffer, unapplied: Unapplied): Buffer {
  const planned = source.plan(body, ALLOW_ALL);
  const content = planned.ok ? planned.plan : planned.content;
  return content === undefined ? body : source.encode(remainingPlan(content, unapplied));
}

function remainingPlan(plan: Plan, unapplied: Unapplied): Plan {
  const cacheKeys = new Set(unapplied.cacheKeys);
  let index = 0;
  return {
    statements: pick(plan.statements, unapplied.statements),
    logs: unapplied.logs.flatMap((index) => {
      const log = plan.logs[index];
      return log === undefined ? [] : [{ ...log, id: idOf(unapplied.logIds, index) ?? log.id }];
    }),
    dirty: unapplied.dirty.flatMap((index) => {
      const dirty = plan.dirty[index];
      if (dirty === undefined) return [];
      const id = idOf(unapplied.dirtyIds, index) ?? dirty.id;
      return [{ ...dirty, id, streams: unapplied.dirtyStreams[index] ?? dirty.streams }];
    }),
    cacheKeys: plan.cacheKeys
      .map(({ redisPool, keys }) => ({ redisPool, keys: keys.filter(() => cacheKeys.has(index++)) }))
      .filter(({ keys }) => keys.length > 0),
  };
}

function pick<Item>(items: readonly Item[], indexes: readonly number[]): Item[] {
  return indexes.flatMap((index) => items[index] ?? []);
}

function idOf(ids: Readonly<Record<string, string>>, index: number): bigint | undefined {
  const id = ids[index];
  return id === undefined ? undefined : BigInt(id);
}
