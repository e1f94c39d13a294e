import { LAZY_STREAM } from '../../../shared/registry/beeorm-names.ts';
import { judgeStatement } from '../../../shared/sql/statement.ts';
import { encodeLazyEvent } from '../../../shared/wire/encode-lazy-event.ts';
import { decodeLazyEvent, type LazyEvent } from '../../../shared/wire/lazy-event.ts';
import { type Plan, type Planned, type PlannedStatement, type PlanRules, reject } from '../entry/plan.ts';
import type { StatementSource } from './statements.ts';

/** Lazy flushes: SQL to execute, then log rows, cache keys and dirty events. */
export const lazySource: StatementSource = {
  name: 'lazy',
  stream: LAZY_STREAM,

  plan(body, rules): Planned {
    if (body === undefined) return reject('undecodable', 'the entry has no field s');
    const decoded = decodeLazyEvent(body);
    if (!decoded.ok) return reject('undecodable', decoded.error.message);
    return unknownPool(decoded.event, rules) ?? planStatements(decoded.event, rules);
  },

  encode(plan: Plan): Buffer {
    return encodeLazyEvent({ ...plan, ids: plan.statements.map(({ id }) => id) });
  },
};

function unknownPool(event: LazyEvent, rules: PlanRules): Planned | undefined {
  const mysql = [...event.statements, ...event.logs].find(({ pool }) => !rules.mysqlPools.has(pool));
  if (mysql !== undefined) return reject('unknown-pool', `the registry has no MySQL pool '${mysql.pool}'`);
  const redis = event.cacheKeys.find(({ redisPool }) => !rules.redisPools.has(redisPool));
  if (redis !== undefined)
    return reject('unknown-pool', `the registry has no Redis pool '${redis.redisPool}'`);
  return undefined;
}

function planStatements(event: LazyEvent, rules: PlanRules): Planned {
  const statements: PlannedStatement[] = [];
  for (const [index, statement] of event.statements.entries()) {
    const judgement = judgeStatement(statement.sql, rules.allowedStatements);
    if (!judgement.allowed) {
      return reject('refused-statement', `statement ${index}: ${judgement.reason}`);
    }
    statements.push({ ...statement, shape: judgement.shape, id: event.ids[index] ?? 0n });
  }
  const { logs, dirty, cacheKeys } = event;
  return { ok: true, plan: { statements, logs, dirty, cacheKeys } };
}
