import type { HistoryWriter } from './history-writer.ts';
import { LazyEvent, logValue } from './lazy-event.ts';
import { encode } from './messagepack.ts';
import type { Operation } from './operations.ts';
import {
  CHILD,
  type EntityTable,
  ITEM,
  MEMBER,
  NARROW,
  NO_PARENT,
  PARENT,
  PINNED_EMAIL,
  PINNED_ID,
  PLAIN,
  TOKEN,
} from './schema.ts';
import { addAnyUpdate, addStatement, type GenerationContext, harmlessValues } from './statements.ts';
import { bytes, NULL, number, text, type Values } from './values.ts';

/** Adds a statement that MySQL refuses whichever statements ran before it: it conflicts with pinned rows only. */
type BadStatement = (event: LazyEvent, context: GenerationContext) => void;

const BAD_STATEMENTS: Readonly<Record<string, BadStatement>> = {
  'duplicate email': badInsert([MEMBER, TOKEN], () => ({ Email: text(PINNED_EMAIL) })),
  'duplicate pair': badInsert([MEMBER], () => ({ Kind: number(PINNED_ID), Nr: number(PINNED_ID) })),
  'duplicate id': badInsert([TOKEN, CHILD, PARENT], () => ({ ID: number(PINNED_ID) })),
  'duplicate email by update': badUpdate([MEMBER, TOKEN], { Email: text(PINNED_EMAIL) }),
  'no such parent': badInsert([CHILD, ITEM], () => ({ Parent: number(NO_PARENT) })),
  'no such parent by update': badUpdate([CHILD, ITEM], { Parent: number(NO_PARENT) }),
  'parent with children': (event) => event.delete(PARENT, PINNED_ID),
  'too long': badInsert([PLAIN, MEMBER, TOKEN, NARROW], () => ({ Name: text('x'.repeat(101)) })),
  'not UTF-8': badInsert([PLAIN, TOKEN], () => ({ Name: bytes(Buffer.from([0x61, 0xff, 0xfe])) })),
  'out of range': badInsert([PLAIN, TOKEN], () => ({ Big: number(2n ** 64n) })),
  'NULL in a NOT NULL column': badInsert([PLAIN, CHILD], () => ({ Code: NULL })),
  syntax: (event) => event.statement('default', 'UPDATE Plain SETT `Name`=1 WHERE `ID` = 1', PINNED_ID),
  'no such table': (event) => event.statement('shop', 'DELETE FROM `Nothing` WHERE `ID` IN (1)', PINNED_ID),
  'no such column': badUpdate([PLAIN], { Nothing: number(1n) }),
};

const REFUSED_STATEMENTS = [
  'DROP TABLE Plain',
  'UPDATE Plain SET `Big`=666 WHERE `ID` = 1;',
  'UPDATE Plain SET `Big`=666 WHERE `ID` = 1 -- ',
  'UPDATE Plain SET `Big`=666 WHERE `ID` = 1 #',
  'UPDATE Plain SET `Big`=666 /* WHERE `ID` = 1',
  'UPDATE Plain SET `Big`=666 /*! WHERE `ID` = 1 */',
  "UPDATE Plain SET `Name`='unterminated WHERE `ID` = 1",
  'DELETE FROM `Plain` WHERE `ID` IN (2); DELETE FROM `Plain` WHERE `ID` IN (3)',
  'SELECT SLEEP(0)',
];

const UNDECODABLE = [
  Buffer.of(0xc1),
  Buffer.alloc(0),
  Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff),
  encode('text'),
  encode({ q: [['default']] }),
  encode({ q: 'text', i: [1] }),
  encode({ q: [['default', 'DELETE FROM `Plain` WHERE `ID` IN (2)', null]], i: ['x'] }).subarray(0, 20),
];

/** Operations whose entries must become dead letters. */
export const POISON: Readonly<Record<string, Operation>> = {
  ...Object.fromEntries(Object.entries(BAD_STATEMENTS).map(([kind, add]) => [kind, alone(add)])),
  'one bad statement among good ones': (history, context) => {
    const event = new LazyEvent(context.random);
    // Not an insert, which could rule out a bad insert in the same event: see `mayInsert`.
    addAnyUpdate(event, context);
    context.random.pick(Object.values(BAD_STATEMENTS))(event, context);
    addStatement(event, context);
    history.lazy(event);
  },
  'log row out of range': (history, context) => {
    const event = new LazyEvent(context.random);
    event.insert(NARROW, [harmlessValues(NARROW, context)]);
    history.lazy(event);
  },
  'refused statement': (history, { random }) => {
    const event = new LazyEvent(random);
    if (random.chance(0.5)) event.update(PLAIN, PINNED_ID, { Name: text('must not be written') });
    event.statement('default', random.pick(REFUSED_STATEMENTS), PINNED_ID);
    event.deleteKey('default', 'kept');
    history.lazy(event);
  },
  'unknown pool': (history, { random }) => {
    const event = new LazyEvent(random);
    event.update(PLAIN, PINNED_ID, { Name: text('must not be written') });
    event.statement('nowhere', 'DELETE FROM `Plain` WHERE `ID` IN (2)', 2n);
    history.lazy(event);
  },
  undecodable: (history, { random }) => history.raw('orm-lazy-channel', { s: random.pick(UNDECODABLE) }),
  'no body': (history) => history.raw('orm-lazy-channel', { tag: Buffer.from('only') }),
  'log entry: no such table': badLogEntry({ TableName: '_log_default_Nothing' }),
  'log entry: unknown pool': badLogEntry({ PoolName: 'nowhere' }),
  'log entry: out of range': (history, { random }) =>
    history.log(logValue(random, NARROW, 2n ** 40n, undefined)),
  'log entry: undecodable': (history, { random }) =>
    history.raw('orm-log-channel', { s: random.pick(UNDECODABLE.slice(0, 4)) }),
  'log entry: no body': (history) => history.raw('orm-log-channel', { tag: Buffer.from('only') }),
};

function alone(add: BadStatement): Operation {
  return (history, context) => {
    const event = new LazyEvent(context.random);
    add(event, context);
    history.lazy(event);
  };
}

/** An insert of one bad row, or of several rows of which one is bad. */
function badInsert(tables: readonly EntityTable[], bad: () => Values): BadStatement {
  return (event, context) => {
    const { random } = context;
    const table = random.pick(tables);
    if (!event.mayInsert(table)) return;
    const good = Array.from({ length: random.pick([0, 0, 1, 2]) }, () => harmlessValues(table, context));
    const badRow = { ...harmlessValues(table, context), ...bad() };
    event.insert(table, random.shuffled([...good, badRow]));
  };
}

function badUpdate(tables: readonly EntityTable[], values: Values): BadStatement {
  return (event, { random, model }) => {
    const table = random.pick(tables);
    const row = random.maybePick(model.rows(table).filter(({ id }) => !event.touches(table, id)));
    if (row !== undefined) event.update(table, row.id, values);
  };
}

function badLogEntry(change: Record<string, string>): Operation {
  return (history: HistoryWriter, { random }: GenerationContext) => {
    history.log({ ...logValue(random, MEMBER, 1n, undefined), ...change });
  };
}
