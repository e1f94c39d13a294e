import type { Unapplied } from '../../../shared/dead-letter.ts';
import type { Plan, PlanRules } from '../channels/statements/plan.ts';
import type { StatementSource } from '../channels/statements/statement-channel.ts';

/** Whatever the entry names was allowed once: it is judged again when it is drained. */
const ANYTHING: PlanRules = {
  mysqlPools: { has: () => true },
  redisPools: { has: () => true },
  allowedStatements: { has: () => true },
};

/**
 * The body with only what is left to do. Rows to come that have come meanwhile are named by their ids, so that the entry
 * is harmless in any consumer's hands: executing it is all that it takes, and doing more is not possible.
 */
export function remainingBody(source: StatementSource, body: Buffer, unapplied: Unapplied): Buffer {
  const planned = source.plan(body, ANYTHING);
  return planned.ok ? source.encode(remainingPlan(planned.plan, unapplied)) : body;
}

function remainingPlan(plan: Plan, unapplied: Unapplied): Plan {
  const cacheKeys = new Set(unapplied.cacheKeys);
  let place = 0;
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
      .map(({ redisPool, keys }) => ({ redisPool, keys: keys.filter(() => cacheKeys.has(place++)) }))
      .filter(({ keys }) => keys.length > 0),
  };
}

function pick<Item>(items: readonly Item[], places: readonly number[]): Item[] {
  return places.flatMap((place) => items[place] ?? []);
}

function idOf(ids: Readonly<Record<string, string>>, place: number): bigint | undefined {
  const id = ids[place];
  return id === undefined ? undefined : BigInt(id);
}
