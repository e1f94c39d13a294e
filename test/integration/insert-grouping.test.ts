import { expect, test } from 'vitest';
import type { WireValue } from '../kit/generate/messagepack.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThingSql, lazyEvent, thingDirty } from '../kit/scene/events.ts';
import { deadLetters, dirtyEvents, thingCounts, thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene, type Scene, sceneWithIncrement } from '../kit/scene/scene.ts';

const THINGS = 40;

/** Alternating inserts into several tables: a batch sends them as one statement per table. */
test.each([
  { ordering: 'entity', increment: 1 },
  { ordering: 'entity', increment: 7 },
  { ordering: 'pool', increment: 1 },
] as const)(
  'rows of alternating tables get their ids in the order of the stream: %o',
  async ({ ordering, increment }) => {
    const scene = await sceneWithIncrement(increment);
    for (let index = 0; index < THINGS; index++) {
      await scene.add(insertWithEvent(`thing ${index}`));
      await scene.add(lazyEvent([{ sql: `INSERT INTO Document(\`Body\`) VALUES ('of ${index}')` }]));
    }
    expect(await drainScene(scene, { ordering })).toMatchObject({ complete: true });
    expect(await thingNames(scene)).toEqual(Array.from({ length: THINGS }, (_, index) => `thing ${index}`));
    const bodies = (await scene.query('SELECT Body FROM Document ORDER BY ID')).map((row) => row['Body']);
    expect(bodies).toEqual(Array.from({ length: THINGS }, (_, index) => `of ${index}`));
    expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(await idsAsEvents(scene));
  },
);

test('parents are inserted before their children, and a duplicate key in the middle fails only its own statement', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('parent')");
  for (let index = 1; index <= THINGS; index++) {
    const isDuplicate = index % 10 === 0;
    await scene.add(
      lazyEvent([{ sql: insertThingSql(`thing ${index}`, isDuplicate ? 'one' : `c${index}`) }]),
    );
    await scene.add(lazyEvent([{ sql: `INSERT INTO Part(\`Thing\`) VALUES (1)` }]));
  }
  const summary = await drainScene(scene);
  expect(summary).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 3 } } });
  // The first 'one' is not a duplicate.
  const kept = Array.from({ length: THINGS }, (_, index) => index + 1).filter(
    (n) => n % 10 !== 0 || n === 10,
  );
  expect(await thingNames(scene)).toEqual(['parent', ...kept.map((index) => `thing ${index}`)]);
  expect(await scene.query('SELECT ID FROM Part')).toHaveLength(THINGS);
  expect((await deadLetters(scene)).map(({ code }) => code)).toEqual(['1062', '1062', '1062']);
});

test('triggers see exactly the rows of the entries before theirs in the stream', async () => {
  const scene = await openScene();
  await scene.query('CREATE VIEW Paper AS SELECT * FROM Document');
  await scene.query(`CREATE TRIGGER counting BEFORE INSERT ON Thing FOR EACH ROW
    SET NEW.Count = (SELECT COUNT(*) FROM Document)`);
  for (let index = 0; index < THINGS; index++) {
    await scene.add(lazyEvent([{ sql: `INSERT INTO Document(\`Body\`) VALUES ('${2 * index}')` }]));
    await scene.add(lazyEvent([{ sql: insertThingSql(`thing ${index}`) }]));
    await scene.add(lazyEvent([{ sql: `INSERT INTO Paper(\`Body\`) VALUES ('${2 * index + 1}')` }]));
  }
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual(Array.from({ length: THINGS }, (_, index) => 2 * index + 1));
  const bodies = (await scene.query('SELECT Body FROM Document ORDER BY ID')).map((row) => row['Body']);
  expect(bodies).toEqual(Array.from({ length: 2 * THINGS }, (_, index) => String(index)));
});

function insertWithEvent(name: string): WireValue {
  return lazyEvent([{ sql: insertThingSql(name) }], { dirty: [thingDirty(0)] });
}

async function idsAsEvents(scene: Scene): Promise<string[]> {
  const rows = await scene.query('SELECT ID FROM Thing ORDER BY ID');
  return rows.map((row) => `main.Thing i ${String(row['ID'])}`);
}
