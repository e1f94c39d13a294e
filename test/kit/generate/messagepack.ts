/** A value that BeeORM puts into an event. A Buffer is a Go string: raw bytes that need not be UTF-8. */
export type WireValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | Time
  | readonly WireValue[]
  | { readonly [name: string]: WireValue };

/** A point in time. `seconds` are counted from 1970 and can be negative. */
export class Time {
  readonly seconds: number;
  readonly nanoseconds: number;

  constructor(seconds: number, nanoseconds: number) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }
}

/** Encodes MessagePack as BeeORM does. Bigints and integral numbers become integers, other numbers doubles. */
export function encode(value: WireValue): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'bigint') return integer(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? integer(BigInt(value)) : double(value);
  if (typeof value === 'string') return rawString(Buffer.from(value));
  if (Buffer.isBuffer(value)) return rawString(value);
  if (value instanceof Time) return timestamp(value);
  if (isList(value))
    return Buffer.concat([sized(value.length, 0x90, 16, [0xdc, 0xdd]), ...value.map(encode)]);
  const members = Object.entries(value);
  const parts = members.flatMap(([name, member]) => [encode(name), encode(member)]);
  return Buffer.concat([sized(members.length, 0x80, 16, [0xde, 0xdf]), ...parts]);
}

function isList(value: WireValue): value is readonly WireValue[] {
  return Array.isArray(value);
}

function rawString(bytes: Buffer): Buffer {
  if (bytes.length < 32) return Buffer.concat([Buffer.of(0xa0 + bytes.length), bytes]);
  if (bytes.length < 256) return Buffer.concat([Buffer.of(0xd9, bytes.length), bytes]);
  return Buffer.concat([sized(bytes.length, 0, 0, [0xda, 0xdb]), bytes]);
}

/** Encodes a length: in the first byte if it is short, otherwise in 2 or 4 further bytes. */
function sized(length: number, short: number, shortLimit: number, [two, four]: [number, number]): Buffer {
  if (length < shortLimit) return Buffer.of(short + length);
  const head = Buffer.alloc(length < 65_536 ? 3 : 5);
  if (length < 65_536) head.writeUInt16BE(length, 1);
  else head.writeUInt32BE(length, 1);
  head[0] = length < 65_536 ? two : four;
  return head;
}

function integer(value: bigint): Buffer {
  if (value >= -32n && value < 128n) return Buffer.of(Number(BigInt.asUintN(8, value)));
  const head = Buffer.alloc(9);
  head[0] = value < 0n ? 0xd3 : 0xcf;
  head.writeBigUInt64BE(BigInt.asUintN(64, value), 1);
  return head;
}

function double(value: number): Buffer {
  const head = Buffer.alloc(9);
  head[0] = 0xcb;
  head.writeDoubleBE(value, 1);
  return head;
}

/** Encodes 4, 8 or 12 bytes: the shortest form that fits. */
function timestamp({ seconds, nanoseconds }: Time): Buffer {
  if (seconds < 0 || seconds >= 2 ** 34) {
    const long = Buffer.alloc(15);
    long.set([0xc7, 12, 0xff]);
    long.writeUInt32BE(nanoseconds, 3);
    long.writeBigInt64BE(BigInt(seconds), 7);
    return long;
  }
  if (nanoseconds === 0 && seconds < 2 ** 32) {
    const short = Buffer.alloc(6);
    short.set([0xd6, 0xff]);
    short.writeUInt32BE(seconds, 2);
    return short;
  }
  const middle = Buffer.alloc(10);
  middle.set([0xd7, 0xff]);
  middle.writeBigUInt64BE((BigInt(nanoseconds) << 34n) | BigInt(seconds), 2);
  return middle;
}
