import type { HistoryWriter } from './history-writer.ts';
import { LazyEvent, logValue } from './lazy-event.ts';
import { CHILD, MEMBER, NARROW, PARENT, TABLES, TOKEN } from './schema.ts';
import { addDelete, addInsert, addStatement, addUpdate, harmlessValues, type Scene } from './statements.ts';
import { number, text } from './values.ts';

/** What the application does: one or more entries. */
export type Operation = (history: HistoryWriter, scene: Scene) => void;

export const OPERATIONS: readonly (readonly [weight: number, operation: Operation])[] = [
  [50, oneStatement],
  [15, severalStatements],
  [8, burst],
  [8, family],
  [8, emailHandover],
  [8, logEntry],
  [3, cacheKeysOnly],
];

function oneStatement(history: HistoryWriter, scene: Scene): void {
  const event = new LazyEvent(scene.random);
  addStatement(event, scene);
  history.lazy(event);
}

/** An event over several rows, tables and pools. */
function severalStatements(history: HistoryWriter, scene: Scene): void {
  const event = new LazyEvent(scene.random);
  for (let left = scene.random.integer(2, 5); left > 0; left -= 1) addStatement(event, scene);
  history.lazy(event);
}

/** Many updates of one row, one after the other. */
function burst(history: HistoryWriter, scene: Scene): void {
  const { random, world } = scene;
  const row = random.maybePick(world.rows(random.pick(TABLES)));
  if (row === undefined) return;
  for (let left = random.integer(3, 6); left > 0; left -= 1) {
    const event = new LazyEvent(random);
    addUpdate(event, scene, row);
    history.lazy(event);
  }
}

/** A parent, children of it, and sometimes their end: in an event each, or parent and child in one. */
function family(history: HistoryWriter, scene: Scene): void {
  const { random, world } = scene;
  const event = new LazyEvent(random);
  const [parent] = addInsert(event, scene, PARENT);
  const child = { table: CHILD, id: world.nextUuid(), email: undefined, parent: parent?.id };
  const ofChild = random.chance(0.3) ? event : new LazyEvent(random);
  if (parent === undefined) return;
  ofChild.insert(CHILD, [
    { ...harmlessValues(CHILD, scene), ID: number(child.id), Parent: number(parent.id) },
  ]);
  world.add(child);
  history.lazy(event);
  if (ofChild !== event) history.lazy(ofChild);
  if (random.chance(0.5)) return;
  for (const row of [child, parent]) {
    const ending = new LazyEvent(random);
    addDelete(ending, scene, row);
    history.lazy(ending);
  }
}

/** A row gives up its unique email, and another takes it. */
function emailHandover(history: HistoryWriter, scene: Scene): void {
  const { random, world } = scene;
  const table = random.pick([MEMBER, TOKEN]);
  const row = random.maybePick(world.rows(table).filter(({ email }) => email !== undefined));
  if (row === undefined) return;
  const release = new LazyEvent(random);
  if (random.chance(0.5)) addDelete(release, scene, row);
  else {
    release.update(table, row.id, { Email: text(`${world.nextNumber()}@x.y`) });
    world.free(row);
  }
  history.lazy(release);
  const email = world.takeFreedEmail(table);
  if (email === undefined) return;
  const claim = new LazyEvent(random);
  claim.insert(table, [{ ...harmlessValues(table, scene), Email: text(email) }]);
  history.lazy(claim);
}

/** Written by the application itself when it saves at once. */
function logEntry(history: HistoryWriter, scene: Scene): void {
  const { random } = scene;
  const table = random.pick(TABLES.filter(({ logPool }) => logPool !== undefined));
  const id = BigInt(random.integer(1, table === NARROW ? 4_000_000_000 : Number.MAX_SAFE_INTEGER));
  history.log(logValue(random, table, id, harmlessValues(table, scene)));
}

/** What a lazy insert of a searchable, cached entity leaves: it was executed at once. */
function cacheKeysOnly(history: HistoryWriter, { random }: Scene): void {
  const event = new LazyEvent(random);
  event.deleteKey('default', `aaaa1:${random.integer(1, 9)}`);
  event.deleteKey('shop', `cccc3_ByNote${random.integer(1, 9)}`);
  history.lazy(event);
}
