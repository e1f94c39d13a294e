import { describe, expect, test } from 'vitest';
import { drainScene } from '../kit/scene/drain-scene.ts';
import {
  countUp,
  insertThing,
  insertThingSql,
  lazyEvent,
  thingDirty,
  thingLog,
} from '../kit/scene/events.ts';
import { deadLetters, dirtyEvents, thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene, sceneWithIncrement } from '../kit/scene/scene.ts';

describe.each(['entity', 'pool'] as const)('ordering %s', (ordering) => {
  test.each([1, 2, 10])(
    'ids follow auto_increment_increment %i, in log rows and dirty events too',
    async (step) => {
      const scene = await sceneWithIncrement(step);
      await scene.add(insertThing('first'));
      const sql = "INSERT INTO Thing(`Name`) VALUES ('a'),('b'),('c')";
      const effects = {
        logs: [thingLog(0), thingLog(0), thingLog(0)],
        dirty: [thingDirty(0), thingDirty(0), thingDirty(0)],
      };
      await scene.add(lazyEvent([{ sql }], effects));
      await scene.add(insertThing('last', { logs: [thingLog(0)], dirty: [thingDirty(0)] }));
      expect(await drainScene(scene, { ordering })).toMatchObject({ complete: true });
      const ids = (await scene.query('SELECT ID FROM Thing ORDER BY ID')).map((row) => Number(row['ID']));
      expect(ids).toEqual([0, 1, 2, 3, 4].map((place) => (ids[0] ?? 0) + place * step));
      expect(await thingNames(scene)).toEqual(['first', 'a', 'b', 'c', 'last']);
      const logged = await scene.query('SELECT entity_id FROM _log_default_Thing ORDER BY entity_id');
      expect(logged.map((row) => Number(row['entity_id']))).toEqual(ids.slice(1));
      const dirty = ids.slice(1).map((id) => `main.Thing i ${id}`);
      expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(dirty);
    },
  );

  test('a row inserted by an earlier entry is there for the update that follows', async () => {
    const scene = await openScene();
    for (let id = 1; id <= 50; id++) {
      await scene.add(insertThing(`thing ${id}`));
      await scene.add(lazyEvent([countUp(id), countUp(id)]));
    }
    expect(await drainScene(scene, { ordering, batchSize: 7 })).toMatchObject({ complete: true });
    const counts = await scene.query('SELECT DISTINCT Count FROM Thing');
    expect(counts.map((row) => Number(row['Count']))).toEqual([2]);
  });

  test('a unique value is handed over from row to row, by delete and by update', async () => {
    const scene = await openScene();
    for (let round = 1; round <= 30; round++) {
      await scene.add(lazyEvent([{ sql: insertThingSql(`round ${round}`, 'one') }]));
      const free =
        round % 2 === 0
          ? `DELETE FROM \`Thing\` WHERE \`ID\` IN (${round})`
          : `UPDATE Thing SET \`Code\`='was ${round}' WHERE \`ID\` = ${round}`;
      await scene.add(lazyEvent([{ sql: free, id: round }]));
    }
    expect(await drainScene(scene, { ordering, batchSize: 4 })).toMatchObject({ complete: true });
    expect(await deadLetters(scene)).toEqual([]);
    expect(await thingNames(scene)).toHaveLength(15);
  });

  test('parents come before their children, and go after them', async () => {
    const scene = await openScene();
    for (let id = 1; id <= 30; id++) {
      await scene.add(insertThing(`parent ${id}`));
      await scene.add(lazyEvent([{ sql: `INSERT INTO Part(\`Thing\`) VALUES (${id})` }]));
      if (id % 3 !== 0) continue;
      await scene.add(lazyEvent([{ sql: `DELETE FROM \`Part\` WHERE \`ID\` IN (${id})`, id }]));
      await scene.add(lazyEvent([{ sql: `DELETE FROM \`Thing\` WHERE \`ID\` IN (${id})`, id }]));
    }
    expect(await drainScene(scene, { ordering, batchSize: 5 })).toMatchObject({ complete: true });
    expect(await deadLetters(scene)).toEqual([]);
    expect(await thingNames(scene)).toHaveLength(20);
  });
});

/** A scene whose sessions give ids that are `step` apart, as with several writing servers. */
