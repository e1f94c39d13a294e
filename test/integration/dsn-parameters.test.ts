import { expect, test } from 'vitest';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing, lazyEvent, thingDirty, thingLog } from '../kit/scene/events.ts';
import { dirtyEvents, pendingEntries } from '../kit/scene/inspect-scene.ts';
import { openScene, type Scene } from '../kit/scene/scene.ts';

/** What parameters in the DSN of a MySQL pool do to the consumer's sessions. */

const BUDGET_MS = 20_000;

test.each([
  'tx_isolation=READ-COMMITTED',
  'no_such_variable=1',
  'time_zone=%27Nowhere%27',
  'lower_case_table_names=1',
  'sql_mode=(',
])('a parameter that MySQL rejects ends the drain at once, with a next step: %s', async (parameter) => {
  const scene = await sceneWith(parameter);
  await scene.add(insertThing('waits'));
  const summary = await drainScene(scene, { budgetMs: BUDGET_MS });
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
  expect(summary.seconds).toBeLessThan(BUDGET_MS / 2000);
  expect(summary.message).toMatch(/parameter.*DSN.*quotes/s);
  expect(await pendingEntries(scene)).toHaveLength(1);
});

test('a quoted parameter is applied', async () => {
  const scene = await sceneWith('tx_isolation=%27READ-COMMITTED%27');
  await scene.add(insertThing('applied'));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
});

/** BeeORM writes no ID, or 0, for an entity that has none yet. */
test.each(['', "sql_mode='NO_AUTO_VALUE_ON_ZERO,STRICT_TRANS_TABLES'", "sql_mode='NO_AUTO_VALUE_ON_ZERO'"])(
  'the effects of an insert with the ID 0 name the ID of its row: %j',
  async (parameter) => {
    const scene = await sceneWith(parameter);
    const effects = { logs: [thingLog(0), thingLog(0)], dirty: [thingDirty(0), thingDirty(0)] };
    const sql = "INSERT INTO Thing(`ID`,`Name`) VALUES (0,'zero'),(NULL,'null')";
    for (let index = 0; index < 3; index++) await scene.add(lazyEvent([{ sql }], effects));
    for (let index = 0; index < 3; index++)
      await scene.add(insertThing('one', { logs: [thingLog(0)], dirty: [thingDirty(0)] }));
    expect(await drainScene(scene)).toMatchObject({ complete: true });
    const ids = (await scene.query('SELECT ID FROM Thing ORDER BY ID')).map((row) => String(row['ID']));
    expect(ids).toHaveLength(9);
    const logged = await scene.query('SELECT entity_id FROM _log_default_Thing ORDER BY entity_id');
    expect(logged.map((row) => String(row['entity_id']))).toEqual(ids);
    expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(ids.map((id) => `main.Thing i ${id}`));
  },
);

async function sceneWith(parameter: string): Promise<Scene> {
  const scene = await openScene();
  const registryYaml = scene.registryYaml.replace(/(mysql: \S+app)/, `$1?${parameter}`);
  return { ...scene, registryYaml, registry: parseRegistry(registryYaml, 'registry.yaml') };
}
