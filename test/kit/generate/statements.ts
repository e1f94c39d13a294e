import type { ApplicationModel, KnownRow } from './application-model.ts';
import type { LazyEvent } from './lazy-event.ts';
import type { Random } from './random.ts';
import { type EntityTable, MEMBER, NARROW, PARENT, TABLES } from './schema.ts';
import { NULL, number, randomValue, text, type Value, type Values } from './values.ts';

/** How much statements on different rows can depend on each other: see `HistoryOptions`. */
export type Ordering = 'entity' | 'pool';

/** The input of the generator's choices: randomness, the application's state so far, and the ordering to respect. */
export type GenerationContext = {
  readonly random: Random;
  readonly model: ApplicationModel;
  readonly ordering: Ordering;
};

/** An insert into `NARROW` would fail, because its log table can't store the id: see `poison.ts`. */
const INSERTABLE = TABLES.filter((table) => table !== NARROW);

/** Adds one random statement to an event if one fits, and updates the model as if the statement succeeded. */
export function addStatement(event: LazyEvent, context: GenerationContext): void {
  const { random } = context;
  const kind = random.pickWeighted([
    [5, 'insert'],
    [5, 'update'],
    [2, 'delete'],
  ]);
  if (kind === 'insert') addInsert(event, context, random.pick(INSERTABLE));
  else if (kind === 'update') addAnyUpdate(event, context);
  else addDelete(event, context, pickRow(event, context));
}

export function addInsert(event: LazyEvent, context: GenerationContext, table: EntityTable): KnownRow[] {
  const { random } = context;
  if (!event.mayInsert(table)) return [];
  const count = random.chance(0.7) ? 1 : random.integer(2, 4);
  const rows = Array.from({ length: count }, () => newRow(table, context));
  event.insert(
    table,
    rows.map(({ values }) => values),
  );
  return rows.map(({ row }) => row);
}

export function addAnyUpdate(event: LazyEvent, context: GenerationContext): void {
  addUpdate(event, context, pickRow(event, context));
}

export function addUpdate(event: LazyEvent, context: GenerationContext, row: KnownRow | undefined): void {
  if (row === undefined || event.touches(row.table, row.id)) return;
  event.update(row.table, row.id, changesOf(row, context));
}

export function addDelete(event: LazyEvent, context: GenerationContext, row: KnownRow | undefined): void {
  if (row === undefined || event.touches(row.table, row.id)) return;
  const mayFail = context.ordering === 'pool' && context.random.chance(0.2);
  if (context.model.hasChildren(row.id) && row.table === PARENT && !mayFail) return;
  event.delete(row.table, row.id);
  context.model.remove(row);
}

function pickRow(event: LazyEvent, { random, model }: GenerationContext): KnownRow | undefined {
  const table = random.pick(TABLES);
  return random.maybePick(model.rows(table).filter(({ id }) => !event.touches(table, id)));
}

/** Returns values that no other row depends on. Those in unique columns have never been used before. */
export function harmlessValues(
  table: EntityTable,
  { model, random }: GenerationContext,
): Record<string, Value> {
  const values: Record<string, Value> = { Code: text(model.nextCode()) };
  if (table.uuid) values['ID'] = number(model.nextUuid());
  for (const [column, kind] of Object.entries(table.columns)) values[column] = randomValue(random, kind);
  if (table === MEMBER)
    Object.assign(values, { Kind: number(BigInt(random.integer(0, 2))), Nr: number(model.nextNumber()) });
  return values;
}

function newRow(table: EntityTable, context: GenerationContext): { values: Values; row: KnownRow } {
  const { model, random } = context;
  const values = harmlessValues(table, context);
  const reused = random.chance(0.2) ? model.takeDeletedId(table, random) : undefined;
  const id = reused ?? model.nextUuid();
  const row: KnownRow = { table, id, email: undefined, parent: undefined };
  if (table.uuid) values['ID'] = number(id);
  if ('Email' in table.columns) values['Email'] = newEmail(row, context);
  if ('Parent' in table.columns) values['Parent'] = newParent(row, context);
  if (table.uuid) model.add(row);
  else if (row.parent !== undefined) model.addUnknownChild(row.parent);
  return { values, row };
}

/** The row remembers its email only if no other row has ever had it: only such an email may be released later. */
function newEmail(row: KnownRow, { model, random, ordering }: GenerationContext): Value {
  if (random.chance(0.3)) return NULL;
  const freed = random.chance(0.5) ? model.takeFreedEmail(row.table) : undefined;
  if (freed !== undefined) return text(freed);
  if (ordering === 'pool' && random.chance(0.3)) return text(`shared${random.integer(0, 3)}@x.y`);
  row.email = `${model.nextNumber()}@x.y`;
  return text(row.email);
}

function newParent(row: KnownRow, { model, random }: GenerationContext): Value {
  row.parent = undefined;
  if (random.chance(0.2)) return NULL;
  row.parent = random.pick(model.parents(PARENT)).id;
  return number(row.parent);
}

function changesOf(row: KnownRow, context: GenerationContext): Values {
  const { random } = context;
  const columns = Object.entries(row.table.columns).filter(([, kind]) => kind !== 'number');
  const chosen = random.shuffled(columns).slice(0, random.integer(1, columns.length));
  const changes = chosen.map(([column, kind]) => {
    if (kind === 'email') return [column, changedEmail(row, context)];
    return [column, kind === 'parent' ? newParent(row, context) : randomValue(random, kind)];
  });
  return Object.fromEntries(changes);
}

/** The new email is never released, because a later insert could claim it before this update does. */
function changedEmail(row: KnownRow, context: GenerationContext): Value {
  context.model.free(row);
  const value = newEmail(row, context);
  row.email = undefined;
  return value;
}
