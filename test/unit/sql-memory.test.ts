import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { createOrdering, toOrderedStatement } from '../../functions/poller/lanes/ordering.ts';
import { type BinaryString, bytesToBinary } from '../../shared/binary-string.ts';
import { DEFAULT_ALLOWED_STATEMENTS, judgeStatement } from '../../shared/sql/statement.ts';

/*
 * In V8, a part of a string keeps the whole string in memory. What is remembered of a statement must therefore be a
 * copy. V8 copies parts of up to 12 characters by itself, so the names here are longer.
 */

const TABLES = 60;
const VALUE = 'x'.repeat(1024 * 1024);

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

test.each([
  ['inserts', (table: string) => `INSERT INTO ${table}(\`Body\`) VALUES ('${VALUE}')`],
  ['updates', (table: string) => `UPDATE ${table} SET \`Body\`='${VALUE}' WHERE \`ID\` = 1`],
  [
    'updates of quoted tables',
    (table: string) => `UPDATE \`${table}\` SET \`Body\`='${VALUE}' WHERE \`ID\` = 2`,
  ],
  [
    'inserts with a database',
    (table: string) => `INSERT INTO a_long_database.${table}(\`B\`) VALUES ('${VALUE}')`,
  ],
])('finished statements of many tables do not stay in memory: %s', async (_, toText) => {
  const ordering = createOrdering('entity');
  run(ordering, toText('the_first_of_the_tables'));
  const before = await usedBytes();
  for (let index = 0; index < TABLES; index++) run(ordering, toText(`a_table_with_a_long_name_${index}`));
  expect((await usedBytes()) - before).toBeLessThan((TABLES / 10) * VALUE.length);
});

/** Leaves the statement's traces in everything that outlives it. */
function run(ordering: ReturnType<typeof createOrdering>, text: string): void {
  for (let repetition = 0; repetition < 2; repetition++) {
    const statement = toOrderedStatement(shapeOf(bytesToBinary(Buffer.from(text))));
    ordering.assigned(statement, 0);
    ordering.finished(statement, 0);
  }
}

function shapeOf(sql: BinaryString) {
  const judgment = judgeStatement(sql, DEFAULT_ALLOWED_STATEMENTS);
  if (!judgment.allowed) throw new Error(judgment.reason);
  expect(judgment.shape.kind).not.toBe('other');
  return judgment.shape;
}

/** Node frees the memory of buffers only some time after they were collected. */
async function usedBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
