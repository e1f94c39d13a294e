import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { loadFixture } from '../kit/load-fixture.ts';

test('two copies of a recording in the shared servers do not affect each other', async () => {
  const [one, two] = await Promise.all([loadFixture('crud'), loadFixture('crud')]);
  expect(one.database('bee')).not.toBe(two.database('bee'));
  for (const { mysql, database, redis, registryYaml } of [one, two]) {
    const connection = await createConnection({ ...mysql, database: database('bee') });
    const [rows] = await connection.query('SELECT * FROM BlobEntity');
    await connection.end();
    expect(rows).toEqual([{ ID: 1, Blob: Buffer.from([1]) }]);
    const address = redis('default');
    const client = new Redis({ port: address.port, db: address.database });
    expect(await client.xlen('orm-lazy-channel')).toBe(63);
    client.disconnect();
    expect(registryYaml).toContain(`/${database('bee')}?`);
    expect(registryYaml).toContain(`${address.host}:${address.port}:${address.database}\n`);
  }
});

test.each(['search', 'histories/full-1', 'histories/poison-1', 'beeorm-breaks/unique-handover'])(
  'the recording %s loads',
  async (name) => {
    const { recording, redis } = await loadFixture(name);
    const address = redis('default');
    const client = new Redis({ port: address.port, db: address.database });
    const expected = recording.entries.filter(({ pool }) => pool === 'default').length;
    const lengths = await Promise.all((await client.keys('*')).map((key) => client.xlen(key)));
    client.disconnect();
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(expected);
  },
);
