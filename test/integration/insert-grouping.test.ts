import { expect, test } from 'vitest';
import type { WireValue } from '../kit/generate/messagepack.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThingSql, lazyEvent, thingDirty } from '../kit/scene/events.ts';
import { deadLetters, dirtyEvents, thingCounts, thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene, type Scene, sceneWithIncrement } from '../kit/scene/scene.ts';

const THINGS = 40;

/** Inserts into several tables in turn: within a batch they travel as one statement a table. */
test.each([
  { ordering: 'entity', increment: 1 },
  { ordering: 'entity', increment: 7 },
  { ordering: 'pool', increment: 1 },
] as const)('rows of tables in turn get their ids in the order of the stream: %o', async (setting) => {
  const scene = await sceneWithIncrement(setting.increment);
  for (let place = 0; place < THINGS; place++) {
    await scene.add(insertWithEvent(`thing ${place}`));
    await scene.add(lazyEvent([{ sql: `INSERT INTO Document(\`Body\`) VALUES ('of ${place}')` }]));
  }
  expect(await drainScene(scene, { ordering: setting.ordering })).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(Array.from({ length: THINGS }, (_, place) => `thing ${place}`));
  const bodies = (await scene.query('SELECT Body FROM Document ORDER BY ID')).map((row) => row['Body']);
  expect(bodies).toEqual(Array.from({ length: THINGS }, (_, place) => `of ${place}`));
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(await idsAsEvents(scene));
});

test('parents come before their children, and a duplicate in the middle takes nobody with it', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('parent')");
  for (let place = 1; place <= THINGS; place++) {
    const isDuplicate = place % 10 === 0;
    await scene.add(
      lazyEvent([{ sql: insertThingSql(`thing ${place}`, isDuplicate ? 'one' : `c${place}`) }]),
    );
    await scene.add(lazyEvent([{ sql: `INSERT INTO Part(\`Thing\`) VALUES (1)` }]));
  }
  const summary = await drainScene(scene);
  expect(summary).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 3 } } });
  // The first 'one' is no duplicate.
  const kept = Array.from({ length: THINGS }, (_, index) => index + 1).filter(
    (n) => n % 10 !== 0 || n === 10,
  );
  expect(await thingNames(scene)).toEqual(['parent', ...kept.map((place) => `thing ${place}`)]);
  expect(await scene.query('SELECT ID FROM Part')).toHaveLength(THINGS);
  expect((await deadLetters(scene)).map(({ code }) => code)).toEqual(['1062', '1062', '1062']);
});

test('what triggers read is what stood there at their place in the stream', async () => {
  const scene = await openScene();
  await scene.query('CREATE VIEW Paper AS SELECT * FROM Document');
  await scene.query(`CREATE TRIGGER counting BEFORE INSERT ON Thing FOR EACH ROW
    SET NEW.Count = (SELECT COUNT(*) FROM Document)`);
  for (let place = 0; place < THINGS; place++) {
    await scene.add(lazyEvent([{ sql: `INSERT INTO Document(\`Body\`) VALUES ('${2 * place}')` }]));
    await scene.add(lazyEvent([{ sql: insertThingSql(`thing ${place}`) }]));
    await scene.add(lazyEvent([{ sql: `INSERT INTO Paper(\`Body\`) VALUES ('${2 * place + 1}')` }]));
  }
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual(Array.from({ length: THINGS }, (_, place) => 2 * place + 1));
  const bodies = (await scene.query('SELECT Body FROM Document ORDER BY ID')).map((row) => row['Body']);
  expect(bodies).toEqual(Array.from({ length: 2 * THINGS }, (_, place) => String(place)));
});

function insertWithEvent(name: string): WireValue {
  return lazyEvent([{ sql: insertThingSql(name) }], { dirty: [thingDirty(0)] });
}

async function idsAsEvents(scene: Scene): Promise<string[]> {
  const rows = await scene.query('SELECT ID FROM Thing ORDER BY ID');
  return rows.map((row) => `main.Thing i ${String(row['ID'])}`);
}
