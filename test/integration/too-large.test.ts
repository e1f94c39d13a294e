import { expect, test } from 'vitest';
import type { SqlExecutor } from '../../shared/protocol.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing } from '../kit/scene/events.ts';
import { deadLetters, thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene } from '../kit/scene/scene.ts';

const MAX_BYTES = 2000;

test('a batch that is too large is split until it fits, and a statement that never fits becomes a dead letter', async () => {
  const scene = await openScene();
  const names = Array.from({ length: 100 }, (_, index) => `thing ${index}`);
  for (const [index, name] of names.entries()) {
    if (index === 50) await scene.add(insertThing('x'.repeat(MAX_BYTES)));
    await scene.add(insertThing(name));
  }
  const sizes: number[] = [];
  await drainScene(scene, { wrap: (executor) => limited(executor, sizes) });
  expect(await thingNames(scene)).toEqual(names);
  expect(sizes.length).toBeGreaterThan(1);
  expect(await deadLetters(scene)).toMatchObject([{ code: 'too-large' }]);
});

/** An executor behind a transport that allows `MAX_BYTES` of SQL. Adds the size of each batch that it allows. */
function limited(executor: SqlExecutor, sizes: number[]): SqlExecutor {
  return {
    execute: async (request) => {
      if (request.operation !== 'batch') return executor.execute(request);
      const bytes = request.items.reduce((sum, { sql }) => sum + sql.length, 0);
      if (bytes > MAX_BYTES) return { status: 'too-large' };
      sizes.push(bytes);
      return executor.execute(request);
    },
  };
}
