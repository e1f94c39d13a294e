import type { WireValue } from './messagepack.ts';
import type { Random } from './random.ts';
import type { ColumnKind } from './schema.ts';

/** A value in both of its encodings: as an SQL literal, and as MessagePack in a log value. */
export type Value = { readonly sql: Buffer; readonly wire: WireValue };
/** Values by column, in the order of the columns. */
export type Values = Readonly<Record<string, Value>>;

/** Text fragments that break careless parsers of SQL, JSON and keys. */
const AWKWARD = [
  "'",
  '"',
  '`',
  '\\',
  '\\\\',
  '\0',
  '\n',
  '\r\n',
  '\x1a',
  '\t',
  ';',
  '; DROP TABLE Plain; -- ',
  '-- ',
  '--',
  '#',
  '/*',
  '*/',
  '/*! ',
  '),(',
  "'),('",
  '?',
  '%',
  '_',
  '$1',
  ':0',
  'NULL',
  'VALUES',
  'ON DUPLICATE KEY UPDATE',
  '{}',
  '[]',
  "x'41'",
  '0x41',
  'żółć',
  'é',
  '\u00a0',
  '\u2028',
  '\ufffd',
  '\u202e',
  '日本語',
  '😀',
  '👩‍👩‍👧',
];

export function text(of: string): Value {
  return bytes(Buffer.from(of));
}

export function bytes(of: Buffer): Value {
  return { sql: quoted(of), wire: of };
}

/** A bigint becomes an integer, a number a double. */
export function number(of: bigint | number): Value {
  return { sql: Buffer.from(String(of)), wire: of };
}

export const NULL: Value = { sql: Buffer.from('NULL'), wire: null };

/** A random value for an unconstrained column. `email`, `number` and `parent` are constrained and get NULL here. */
export function randomValue(random: Random, kind: ColumnKind): Value {
  switch (kind) {
    case 'text':
      return random.chance(0.1) ? NULL : text(randomText(random));
    case 'bytes':
      return random.chance(0.2) ? NULL : bytes(random.bytes(random.pick([0, 1, 7, 40, 300])));
    case 'double':
      return number(random.pick([0, 0.3, -1234567.891, 1.5e-300, 8.25e18, random.next() / 7]));
    case 'big':
      return number(random.pick([0n, 5n, 2n ** 53n + 1n, 2n ** 64n - 1n, BigInt(random.next()) ** 2n]));
    case 'email':
    case 'number':
    case 'parent':
      return NULL;
  }
}

function randomText(random: Random): string {
  return Array.from({ length: random.integer(0, 4) }, () =>
    random.chance(0.7) ? random.pick(AWKWARD) : String(random.integer(0, 999)),
  ).join('');
}

const ESCAPES: Readonly<Record<number, string>> = {
  0: '\\0',
  10: '\\n',
  13: '\\r',
  26: '\\Z',
  34: '\\"',
  39: "\\'",
  92: '\\\\',
};

/** Escapes as BeeORM does; all other bytes stay as they are. */
function quoted(raw: Buffer): Buffer {
  const escaped = [...raw].map((byte) => ESCAPES[byte] ?? String.fromCharCode(byte)).join('');
  return Buffer.from(`'${escaped}'`, 'latin1');
}
