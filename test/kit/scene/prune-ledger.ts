import { drainScene } from './drain-scene.ts';
import { insertThing } from './events.ts';
import type { Scene } from './scene.ts';

/** Drains three entries, prunes the ledger row of the first, and returns its ID. */
export async function pruneFirst(scene: Scene): Promise<string> {
  const id = await scene.add(insertThing('one'));
  await drainScene(scene);
  await ageRows(scene, '1=1');
  for (const name of ['two', 'three']) await scene.add(insertThing(name));
  await drainScene(scene);
  return id;
}

/** Makes settled ledger rows old enough to be deleted by the next drain. */
export async function ageRows({ query, ledgerDatabase }: Scene, where: string): Promise<void> {
  await query(
    `UPDATE ${ledgerDatabase}.batches SET settled_at = settled_at - INTERVAL 61 SECOND WHERE ${where}`,
  );
}
