import { expect, test } from 'vitest';
import { toBatchItem } from '../../../functions/poller/ledger/ledger-record.ts';
import { type BinaryString, textToBinary } from '../../../shared/binary-string.ts';
import { type BatchItem, PROTOCOL_VERSION } from '../../../shared/protocol.ts';
import { DEFAULT_ALLOWED_STATEMENTS, judgeStatement } from '../../../shared/sql/statement.ts';
import { Random } from '../../kit/generate/random.ts';
import { openExecutor } from '../../kit/scene/drain-scene.ts';
import { openScene } from '../../kit/scene/scene.ts';

/** What the ledger remembers of a batch is what the batch did, in however few words it is written. */

const BATCHES = 150;

const TABLES = `CREATE TABLE Counted (ID BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(8) UNIQUE);
  CREATE TABLE Bare (Name VARCHAR(8));
  CREATE TABLE Huge (ID BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(8)) AUTO_INCREMENT = 18446744073709540000`;

test('a second try of a batch is told what the first was, whatever its statements are', async () => {
  const seed = Date.now() & 0x7fffffff;
  const random = new Random(seed);
  const scene = await openScene();
  await scene.query(TABLES);
  const executor = openExecutor(scene);
  const common = () => {
    const deadline = Date.now() + 10_000;
    return { version: PROTOCOL_VERSION, pool: 'default', consumer: 'tested', deadline } as const;
  };
  await executor.execute({ ...common(), operation: 'peek' });
  await executor.execute({ ...common(), operation: 'open', seenToken: null, token: 'epoch' });
  let failed = 0;
  let inserted = 0;
  for (let number = 0; number < BATCHES; number++) {
    const items = someStatements(random).map(toItem);
    const batch = { operation: 'batch', token: 'epoch', number, entries: textToBinary(''), items } as const;
    const first = await executor.execute({ ...common(), ...batch });
    expect(first, `seed ${seed}, batch ${number}`).toMatchObject({ status: 'done' });
    expect(await executor.execute({ ...common(), ...batch }), `seed ${seed}, batch ${number}`).toEqual(first);
    const results = first.status === 'done' ? first.outcome.results : [];
    expect(results).toHaveLength(items.length);
    failed += results.filter(({ status }) => status === 'failed').length;
    inserted += results.filter((result) => result.status === 'applied' && result.insertId !== '0').length;
  }
  console.log(
    `seed ${seed}: ${BATCHES} batches, ${inserted} inserts with an id, ${failed} statements failed`,
  );
  expect(inserted).toBeGreaterThan(BATCHES);
  expect(failed).toBeGreaterThan(0);
});

/** Mostly of one kind, as batches are. */
function someStatements(random: Random): string[] {
  const kinds = random.chance(0.6) ? [random.pick(KINDS)] : KINDS;
  return Array.from({ length: random.integer(1, 12) }, () => random.pick(kinds)(random));
}

const KINDS: ((random: Random) => string)[] = [
  (random) => `INSERT INTO Counted(\`Name\`) VALUES ('${random.integer(0, 3000)}')`,
  (random) => `INSERT INTO Counted(\`Name\`) VALUES ${'(NULL),'.repeat(random.integer(0, 2))}(NULL)`,
  () => "INSERT INTO Bare(`Name`) VALUES ('x')",
  () => "INSERT INTO Huge(`Name`) VALUES ('x')",
  (random) => `INSERT INTO Counted(\`ID\`,\`Name\`) VALUES (${random.integer(1, 1000)},NULL)`,
  (random) =>
    `UPDATE Counted SET \`Name\`='${random.integer(0, 3000)}' WHERE \`ID\` = ${random.integer(1, 400)}`,
  (random) => `DELETE FROM Counted WHERE \`ID\` IN (${random.integer(1, 400)})`,
];

function toItem(text: string): BatchItem {
  const sql: BinaryString = textToBinary(text);
  const judgement = judgeStatement(sql, DEFAULT_ALLOWED_STATEMENTS);
  if (!judgement.allowed) throw new Error(judgement.reason);
  const { shape } = judgement;
  const table = 'table' in shape ? shape.table.toLowerCase() : '';
  const entry = { stream: 's', id: '1-1', hash: '' };
  return toBatchItem({ entry, key: 'q0', sql, shape, finish: () => undefined }, table, true);
}
