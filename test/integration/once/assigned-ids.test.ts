import { expect, test } from 'vitest';
import { drainInProcess } from '../../kit/scene/drain-in-process.ts';
import { drainScene, openExecutor } from '../../kit/scene/drain-scene.ts';
import { insertThing, thingDirty, thingLog } from '../../kit/scene/events.ts';
import { dirtyEvents } from '../../kit/scene/inspect-scene.ts';
import { LOCK_KEY, openScene, type Scene } from '../../kit/scene/scene.ts';

/** A trigger chooses the IDs, so that MySQL generates none and LAST_INSERT_ID() keeps the ID of an earlier insert. */

/** IDs that are neither adjacent nor in an arithmetic series, so that none can be computed from another one. */
const ASSIGN_IDS = `
  CREATE TABLE Sequence (Value BIGINT UNSIGNED NOT NULL);
  INSERT INTO Sequence VALUES (1000);
  CREATE TRIGGER assigning BEFORE INSERT ON Thing FOR EACH ROW BEGIN
    UPDATE Sequence SET Value = Value * 2 + 1;
    SET NEW.ID = (SELECT Value FROM Sequence);
  END`;

test('an ID that a trigger assigned survives a kill between COMMIT and the log row', async () => {
  const scene = await sceneWithTrigger();
  await scene.add(insertThing('first', { logs: [thingLog(0)], dirty: [thingDirty(0)] }));
  expect(await drainInProcess(scene, { killAt: 'executor committed' })).toBeUndefined();
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await expectEffectsOfEveryRow(scene);
});

test('each of many adjacent inserts keeps the ID that a trigger assigned to it', async () => {
  const scene = await sceneWithTrigger();
  for (let index = 0; index < 10; index++)
    await scene.add(insertThing(`thing ${index}`, { logs: [thingLog(0)], dirty: [thingDirty(0)] }));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await expectEffectsOfEveryRow(scene);
});

test('a trigger that is created while the executor runs is known in the next epoch', async () => {
  const scene = await openScene();
  await scene.add(insertThing('before', { logs: [thingLog(0)], dirty: [thingDirty(0)] }));
  const executor = openExecutor(scene);
  expect(await drainScene(scene, { wrap: () => executor })).toMatchObject({ complete: true });
  await scene.query(ASSIGN_IDS);
  for (let index = 0; index < 10; index++)
    await scene.add(insertThing(`thing ${index}`, { logs: [thingLog(0)], dirty: [thingDirty(0)] }));
  expect(await drainScene(scene, { wrap: () => executor })).toMatchObject({ complete: true });
  await expectEffectsOfEveryRow(scene);
});

async function sceneWithTrigger(): Promise<Scene> {
  const scene = await openScene();
  await scene.query(ASSIGN_IDS);
  return scene;
}

async function expectEffectsOfEveryRow(scene: Scene): Promise<void> {
  const ids = (await scene.query('SELECT ID FROM Thing ORDER BY ID')).map((row) => String(row['ID']));
  const logged = await scene.query('SELECT entity_id FROM _log_default_Thing ORDER BY entity_id');
  expect(logged.map((row) => String(row['entity_id']))).toEqual(ids);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(ids.map((id) => `main.Thing i ${id}`));
}
