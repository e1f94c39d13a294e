import type { KnownRow, World } from './application-model.ts';
import type { LazyEvent } from './lazy-event.ts';
import type { Random } from './random.ts';
import { type EntityTable, MEMBER, NARROW, PARENT, TABLES } from './schema.ts';
import { NULL, number, randomValue, text, type Value, type Values } from './values.ts';

/** How statements on different rows may depend on each other: see `HistoryOptions`. */
export type Ordering = 'entity' | 'pool';

/** Where the generator chooses: what it knows of the world, and how wild it may be. */
export type Scene = { readonly random: Random; readonly world: World; readonly ordering: Ordering };

/** An insert into the others would fail: see `poison.ts`. */
const INSERTABLE = TABLES.filter((table) => table !== NARROW);

/** Adds one random statement to an event, where there is one that fits. Effects on the world are taken for granted. */
export function addStatement(event: LazyEvent, scene: Scene): void {
  const { random } = scene;
  const kind = random.pickWeighted([
    [5, 'insert'],
    [5, 'update'],
    [2, 'delete'],
  ]);
  if (kind === 'insert') addInsert(event, scene, random.pick(INSERTABLE));
  else if (kind === 'update') addAnyUpdate(event, scene);
  else addDelete(event, scene, pickRow(event, scene));
}

export function addInsert(event: LazyEvent, scene: Scene, table: EntityTable): KnownRow[] {
  const { random } = scene;
  if (!event.mayInsert(table)) return [];
  const count = random.chance(0.7) ? 1 : random.integer(2, 4);
  const rows = Array.from({ length: count }, () => newRow(table, scene));
  event.insert(
    table,
    rows.map(({ values }) => values),
  );
  return rows.map(({ row }) => row);
}

export function addAnyUpdate(event: LazyEvent, scene: Scene): void {
  addUpdate(event, scene, pickRow(event, scene));
}

export function addUpdate(event: LazyEvent, scene: Scene, row: KnownRow | undefined): void {
  if (row === undefined || event.touches(row.table, row.id)) return;
  event.update(row.table, row.id, changesOf(row, scene));
}

export function addDelete(event: LazyEvent, scene: Scene, row: KnownRow | undefined): void {
  if (row === undefined || event.touches(row.table, row.id)) return;
  const isWild = scene.ordering === 'pool' && scene.random.chance(0.2);
  if (scene.world.hasChildren(row.id) && row.table === PARENT && !isWild) return;
  event.delete(row.table, row.id);
  scene.world.remove(row);
}

function pickRow(event: LazyEvent, { random, world }: Scene): KnownRow | undefined {
  const table = random.pick(TABLES);
  return random.maybePick(world.rows(table).filter(({ id }) => !event.touches(table, id)));
}

/** Of columns that no other row depends on; the values of unique ones are the row's own. */
export function harmlessValues(table: EntityTable, { world, random }: Scene): Record<string, Value> {
  const values: Record<string, Value> = { Code: text(world.nextCode()) };
  if (table.uuid) values['ID'] = number(world.nextUuid());
  for (const [column, kind] of Object.entries(table.columns)) values[column] = randomValue(random, kind);
  if (table === MEMBER)
    Object.assign(values, { Kind: number(BigInt(random.integer(0, 2))), Nr: number(world.nextNumber()) });
  return values;
}

function newRow(table: EntityTable, scene: Scene): { values: Values; row: KnownRow } {
  const { world, random } = scene;
  const values = harmlessValues(table, scene);
  const reused = random.chance(0.2) ? world.takeDeletedId(table, random) : undefined;
  const id = reused ?? world.nextUuid();
  const row: KnownRow = { table, id, email: undefined, parent: undefined };
  if (table.uuid) values['ID'] = number(id);
  if ('Email' in table.columns) values['Email'] = newEmail(row, scene);
  if ('Parent' in table.columns) values['Parent'] = newParent(row, scene);
  if (table.uuid) world.add(row);
  else if (row.parent !== undefined) world.addUnknownChild(row.parent);
  return { values, row };
}

/** Known rows remember an email that may be freed: one that nobody had before them. */
function newEmail(row: KnownRow, { world, random, ordering }: Scene): Value {
  if (random.chance(0.3)) return NULL;
  const freed = random.chance(0.5) ? world.takeFreedEmail(row.table) : undefined;
  if (freed !== undefined) return text(freed);
  if (ordering === 'pool' && random.chance(0.3)) return text(`shared${random.integer(0, 3)}@x.y`);
  row.email = `${world.nextNumber()}@x.y`;
  return text(row.email);
}

function newParent(row: KnownRow, { world, random }: Scene): Value {
  row.parent = undefined;
  if (random.chance(0.2)) return NULL;
  row.parent = random.pick(world.parents(PARENT)).id;
  return number(row.parent);
}

function changesOf(row: KnownRow, scene: Scene): Values {
  const { random } = scene;
  const columns = Object.entries(row.table.columns).filter(([, kind]) => kind !== 'number');
  const chosen = random.shuffled(columns).slice(0, random.integer(1, columns.length));
  const changes = chosen.map(([column, kind]) => {
    if (kind === 'email') return [column, changedEmail(row, scene)];
    return [column, kind === 'parent' ? newParent(row, scene) : randomValue(random, kind)];
  });
  return Object.fromEntries(changes);
}

/** The new email is never freed: a claim by an update may come after the claim of a later insert. */
function changedEmail(row: KnownRow, scene: Scene): Value {
  scene.world.free(row);
  const value = newEmail(row, scene);
  row.email = undefined;
  return value;
}
