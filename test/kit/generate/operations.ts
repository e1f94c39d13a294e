import type { HistoryWriter } from './history-writer.ts';
import { LazyEvent, logValue } from './lazy-event.ts';
import { CHILD, MEMBER, NARROW, PARENT, TABLES, TOKEN } from './schema.ts';
import {
  addDelete,
  addInsert,
  addStatement,
  addUpdate,
  type GenerationContext,
  harmlessValues,
} from './statements.ts';
import { number, text } from './values.ts';

/** An operation of the application, which writes one or more entries. */
export type Operation = (history: HistoryWriter, context: GenerationContext) => void;

export const OPERATIONS: readonly (readonly [weight: number, operation: Operation])[] = [
  [50, oneStatement],
  [15, severalStatements],
  [8, burst],
  [8, family],
  [8, emailHandover],
  [8, logEntry],
  [3, cacheKeysOnly],
];

function oneStatement(history: HistoryWriter, context: GenerationContext): void {
  const event = new LazyEvent(context.random);
  addStatement(event, context);
  history.lazy(event);
}

/** An event with statements on several rows, tables and pools. */
function severalStatements(history: HistoryWriter, context: GenerationContext): void {
  const event = new LazyEvent(context.random);
  for (let remaining = context.random.integer(2, 5); remaining > 0; remaining -= 1)
    addStatement(event, context);
  history.lazy(event);
}

/** Several consecutive updates of one row. */
function burst(history: HistoryWriter, context: GenerationContext): void {
  const { random, model } = context;
  const row = random.maybePick(model.rows(random.pick(TABLES)));
  if (row === undefined) return;
  for (let remaining = random.integer(3, 6); remaining > 0; remaining -= 1) {
    const event = new LazyEvent(random);
    addUpdate(event, context, row);
    history.lazy(event);
  }
}

/**
 * Inserts a parent and a child, in one event or in two, and sometimes deletes both again. The child's foreign key
 * requires that the consumer keeps this order.
 */
function family(history: HistoryWriter, context: GenerationContext): void {
  const { random, model } = context;
  const event = new LazyEvent(random);
  const [parent] = addInsert(event, context, PARENT);
  const child = { table: CHILD, id: model.nextUuid(), email: undefined, parent: parent?.id };
  const childEvent = random.chance(0.3) ? event : new LazyEvent(random);
  if (parent === undefined) return;
  childEvent.insert(CHILD, [
    { ...harmlessValues(CHILD, context), ID: number(child.id), Parent: number(parent.id) },
  ]);
  model.add(child);
  history.lazy(event);
  if (childEvent !== event) history.lazy(childEvent);
  if (random.chance(0.5)) return;
  for (const row of [child, parent]) {
    const deletion = new LazyEvent(random);
    addDelete(deletion, context, row);
    history.lazy(deletion);
  }
}

/** One row releases its unique email, and a new row takes it. */
function emailHandover(history: HistoryWriter, context: GenerationContext): void {
  const { random, model } = context;
  const table = random.pick([MEMBER, TOKEN]);
  const row = random.maybePick(model.rows(table).filter(({ email }) => email !== undefined));
  if (row === undefined) return;
  const release = new LazyEvent(random);
  if (random.chance(0.5)) addDelete(release, context, row);
  else {
    release.update(table, row.id, { Email: text(`${model.nextNumber()}@x.y`) });
    model.free(row);
  }
  history.lazy(release);
  const email = model.takeFreedEmail(table);
  if (email === undefined) return;
  const claim = new LazyEvent(random);
  claim.insert(table, [{ ...harmlessValues(table, context), Email: text(email) }]);
  history.lazy(claim);
}

/** The application writes such an entry itself when it saves an entity synchronously. */
function logEntry(history: HistoryWriter, context: GenerationContext): void {
  const { random } = context;
  const table = random.pick(TABLES.filter(({ logPool }) => logPool !== undefined));
  const id = BigInt(random.integer(1, table === NARROW ? 4_000_000_000 : Number.MAX_SAFE_INTEGER));
  history.log(logValue(random, table, id, harmlessValues(table, context)));
}

/** An event without statements: BeeORM executes a lazy insert of a searchable, cached entity synchronously. */
function cacheKeysOnly(history: HistoryWriter, { random }: GenerationContext): void {
  const event = new LazyEvent(random);
  event.deleteKey('default', `aaaa1:${random.integer(1, 9)}`);
  event.deleteKey('shop', `cccc3_ByNote${random.integer(1, 9)}`);
  history.lazy(event);
}
