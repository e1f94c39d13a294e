import { describe, expect, test } from 'vitest';
import { textToBinary } from '../../shared/binary-string.ts';
import { type ExecutorRequest, PROTOCOL_VERSION } from '../../shared/protocol.ts';
import { openExecutor } from '../kit/scene/drain-scene.ts';
import { openScene } from '../kit/scene/scene.ts';

describe('reading a table through the executor', () => {
  test('returns each value as the bytes that MySQL sends, and NULL as null', async () => {
    const scene = await openScene();
    await scene.query(`CREATE TABLE \`odd \`\`table\` (ID BIGINT UNSIGNED PRIMARY KEY, \`a\`\`b\` VARBINARY(9),
      Old VARCHAR(9) CHARACTER SET latin1, Score DOUBLE, Born DATE)`);
    await scene.query(
      "INSERT INTO `odd ``table` VALUES (18446744073709551615, x'ff00273b', 'Zoë', 1e21, NULL)",
    );
    const reply = await openExecutor(scene).execute(
      rows({ table: 'odd `table', columns: ['a`b', 'Old', 'Score', 'Born'] }),
    );
    expect(reply).toEqual({
      status: 'rows',
      rows: [['18446744073709551615', "\xff\x00';", textToBinary('Zoë'), '1e21', null]],
      more: false,
    });
  });

  test('returns pages in the order of the ID, and whether there may be more', async () => {
    const scene = await openScene();
    await scene.query("INSERT INTO Thing (ID, Name) VALUES (3, 'c'), (10, 'j'), (2, 'b'), (1, 'a')");
    const executor = openExecutor(scene);
    const page = (after: string) => executor.execute(rows({ columns: ['Name'], after, limit: 3 }));
    expect(await page('0')).toMatchObject({
      rows: [
        ['1', 'a'],
        ['2', 'b'],
        ['3', 'c'],
      ],
      more: true,
    });
    expect(await page('3')).toMatchObject({ rows: [['10', 'j']], more: false });
    // A page sees rows that were written after the previous page, so no transaction is left open.
    await scene.query("INSERT INTO Thing (ID, Name) VALUES (11, 'k')");
    expect(await page('10')).toMatchObject({ rows: [['11', 'k']], more: false });
    expect(await page('11')).toMatchObject({ rows: [], more: false });
  });

  test('limits the bytes of a page, but always returns at least one row', async () => {
    const scene = await openScene();
    for (const kilobytes of [400, 400, 400, 3000, 1])
      await scene.query(`INSERT INTO Document (Body) VALUES (REPEAT('x', ${kilobytes * 1024}))`);
    const executor = openExecutor(scene);
    const ids: string[][] = [];
    for (let after = '0'; ; ) {
      const reply = await executor.execute(rows({ table: 'Document', columns: ['Body'], after }));
      if (reply.status !== 'rows') throw new Error(reply.status);
      ids.push(reply.rows.map(([id]) => id ?? ''));
      after = ids.at(-1)?.at(-1) ?? '';
      if (!reply.more) break;
    }
    expect(ids).toEqual([['1', '2'], ['3'], ['4'], ['5']]);
  });

  test('returns the columns of a table, and none if the table does not exist', async () => {
    const scene = await openScene();
    const executor = openExecutor(scene);
    const columns = (table: string) =>
      executor.execute({ ...common(), operation: 'columns', table: textToBinary(table) });
    expect(await columns('Part')).toEqual({
      status: 'columns',
      columns: [
        { name: 'ID', type: 'bigint' },
        { name: 'Thing', type: 'bigint' },
      ],
    });
    expect(await columns("no' table")).toEqual({ status: 'columns', columns: [] });
  });

  test('returns a configuration error about the table, not about the ledger, if the table does not exist', async () => {
    const scene = await openScene();
    const reply = await openExecutor(scene).execute(rows({ table: 'Nothing' }));
    expect(reply).toMatchObject({ status: 'error', kind: 'configuration', code: '1146' });
  });
});

interface RowsOptions {
  readonly table?: string;
  readonly columns?: readonly string[];
  readonly after?: string;
  readonly limit?: number;
}

function rows({
  table = 'Thing',
  columns = ['ID'],
  after = '0',
  limit = 5000,
}: RowsOptions): ExecutorRequest {
  return {
    ...common(),
    operation: 'rows',
    table: textToBinary(table),
    columns: columns.map(textToBinary),
    after,
    withoutFakeDeleted: false,
    limit,
  };
}

function common() {
  return {
    version: PROTOCOL_VERSION,
    pool: 'default',
    consumer: 'me',
    deadline: Date.now() + 10_000,
  } as const;
}
