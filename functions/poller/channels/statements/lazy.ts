import { LAZY_STREAM } from '../../../../shared/registry/beeorm-names.ts';
import { judgeStatement } from '../../../../shared/sql/statement.ts';
import { encodeLazyEvent } from '../../../../shared/wire/encode-lazy-event.ts';
import { decodeLazyEvent, type LazyEvent } from '../../../../shared/wire/lazy-event.ts';
import { reject } from '../../settlement/rejection.ts';
import type { Plan, Planned, PlannedStatement, PlanRules } from './plan.ts';
import type { StatementSource } from './statement-channel.ts';

/** Lazy flushes: SQL to execute, then log rows, cache keys and dirty events. */
export const lazySource: StatementSource = {
  name: 'lazy',
  stream: LAZY_STREAM,
  laneKind: 'statements',

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

function unknownPool(
  { statements, logs, cacheKeys }: LazyEvent,
  { mysqlPools, redisPools }: PlanRules,
): Planned | undefined {
  for (const { pool } of statements) if (!mysqlPools.has(pool)) return noPool('MySQL', pool);
  for (const { pool } of logs) if (!mysqlPools.has(pool)) return noPool('MySQL', pool);
  for (const { redisPool } of cacheKeys) if (!redisPools.has(redisPool)) return noPool('Redis', redisPool);
  return undefined;
}

function noPool(kind: string, code: string): Planned {
  return reject('unknown-pool', `the registry has no ${kind} pool '${code}'`);
}

function planStatements(event: LazyEvent, rules: PlanRules): Planned {
  const { statements, ids, logs, dirty, cacheKeys } = event;
  const planned: PlannedStatement[] = new Array(statements.length);
  for (let index = 0; index < statements.length; index++) {
    const statement = statements[index];
    if (statement === undefined) continue;
    const { pool, sql } = statement;
    const judgment = judgeStatement(sql, rules.allowedStatements);
    if (!judgment.allowed) return reject('refused-statement', `statement ${index}: ${judgment.reason}`);
    planned[index] = { pool, sql, shape: judgment.shape, id: ids[index] ?? 0n };
  }
  return { ok: true, plan: { statements: planned, logs, dirty, cacheKeys } };
}
