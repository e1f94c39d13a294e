import { expect, test } from 'vitest';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { lazyEvent } from '../kit/scene/events.ts';
import { thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene } from '../kit/scene/scene.ts';

const ROWS = 400;

/** In lower case too, because servers may not distinguish the names. */
test.each(['Goods', 'goods'])(
  'an update through a view does not overtake one of its table: %s',
  async (name) => {
    const scene = await openScene();
    await scene.query(`CREATE VIEW ${name} AS SELECT * FROM Thing`);
    const rows = Array.from({ length: ROWS }, () => "('new')").join(',');
    await scene.query(`INSERT INTO Thing(Name) VALUES ${rows}`);
    for (let id = 1; id <= ROWS; id++) {
      const update = (table: string, to: string) => ({
        sql: `UPDATE ${table} SET \`Name\`='${to}' WHERE \`ID\` = ${id}`,
        id,
      });
      const [first, last] = id % 2 === 0 ? ['Thing', name] : [name, 'Thing'];
      await scene.add(lazyEvent([update(first, 'old')]));
      await scene.add(lazyEvent([update(last, 'latest')]));
    }
    expect(await drainScene(scene, { batchSize: 10, lazyConcurrency: 8 })).toMatchObject({ complete: true });
    expect(await thingNames(scene)).toEqual(Array.from({ length: ROWS }, () => 'latest'));
  },
);
