import { describe, expect, test } from 'vitest';
import { decideEffects } from '../../functions/poller/channels/statements/effects.ts';
import type { Plan, PlannedStatement } from '../../functions/poller/channels/statements/plan.ts';
import type { WorkResult } from '../../functions/poller/ledger/work-item.ts';
import { textToBinary } from '../../shared/binary-string.ts';
import { DEFAULT_ALLOWED_STATEMENTS, judgeStatement } from '../../shared/sql/statement.ts';

/** Deciding the effects of this many rows takes minutes if the time is quadratic. */
const MANY_ROWS = 40_000;
const POOLS = new Set(['default']);

describe('the effects of an event', () => {
  test('belong to the statement on the table that they name, regardless of the ids in other tables', () => {
    const plan = planOf(
      ['INSERT INTO A(`N`) VALUES (1)', 'INSERT INTO B(`N`) VALUES (2)'],
      ['main.B', 'main.A'],
    );
    expect(idsOf(plan, [applied(7n), applied(70n)])).toEqual([70n, 7n]);
  });

  test('belong to the last insert of as many rows if no statement has the table that they name', () => {
    const plan = planOf(
      ['INSERT INTO A(`N`) VALUES (1)', 'INSERT INTO bbb(`N`) VALUES (2)'],
      ['main.BEntity'],
    );
    expect(idsOf(plan, [applied(100n), applied(500n)])).toEqual([500n]);
  });

  test('belong to rows without columns, which BeeORM inserts for an entity that has only an id', () => {
    const plan = planOf(['INSERT INTO `Empty` VALUES (),()'], ['main.Empty', 'main.Empty']);
    expect(idsOf(plan, [applied(900n, 5)])).toEqual([900n, 905n]);
  });

  test('stay unapplied with a failed statement', () => {
    const plan = planOf(
      ['INSERT INTO A(`N`) VALUES (1)', 'INSERT INTO B(`N`) VALUES (2)'],
      ['main.A', 'main.B'],
    );
    const effects = decideEffects(plan, [{ kind: 'failed', code: '1062', message: '' }, applied(9n)], POOLS);
    expect(effects.dirty).toEqual([{ index: 1, id: 9n }]);
    expect(effects.unapplied).toMatchObject({ statements: [0], dirty: [0] });
  });

  test('are reported as without a row if there are more of them than inserted rows', () => {
    const plan = planOf(['INSERT INTO A(`N`) VALUES (1)'], ['main.A', 'main.A']);
    const effects = decideEffects(plan, [applied(3n)], POOLS);
    expect(effects.dirty).toEqual([{ index: 0, id: 3n }]);
    expect(effects.withoutRow.dirty).toEqual([1]);
  });

  test(`are decided for ${MANY_ROWS} rows in linear time`, () => {
    const rows = Array.from({ length: MANY_ROWS }, () => '(1)').join(',');
    const entities = Array.from({ length: MANY_ROWS }, () => 'main.A');
    const plan = planOf([`INSERT INTO A(\`N\`) VALUES ${rows}`], entities);
    const keys = entities.map(() => textToBinary('abc:0'));
    const effects = decideEffects(
      { ...plan, cacheKeys: [{ redisPool: 'default', keys }] },
      [applied(1n)],
      POOLS,
    );
    expect(effects.dirty.at(-1)).toEqual({ index: MANY_ROWS - 1, id: BigInt(MANY_ROWS) });
    expect(effects.cacheKeys.get('default')?.size).toBe(MANY_ROWS);
  });
});

function planOf(statements: readonly string[], entities: readonly string[]): Plan {
  return {
    statements: statements.map(toStatement),
    logs: [],
    dirty: entities.map((entity) => ({
      event: new Map(),
      id: 0n,
      entity,
      action: 'i',
      streams: ['changed'],
    })),
    cacheKeys: [],
  };
}

function toStatement(text: string): PlannedStatement {
  const sql = textToBinary(text);
  const judgement = judgeStatement(sql, DEFAULT_ALLOWED_STATEMENTS);
  if (!judgement.allowed) throw new Error(judgement.reason);
  return { pool: 'default', sql, shape: judgement.shape, id: 0n };
}

function applied(insertId: bigint, increment = 1): WorkResult {
  return { kind: 'applied', insertId: String(insertId), increment };
}

function idsOf(plan: Plan, results: readonly WorkResult[]): bigint[] {
  return decideEffects(plan, results, POOLS).dirty.map(({ id }) => id);
}
