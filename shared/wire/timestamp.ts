import { EXT_TIMESTAMP, type ExtensionCodecType } from '@msgpack/msgpack';
import type { Timestamp } from './message-value.ts';
import { WireFormatError } from './wire-error.ts';

const MAX_NANOSECONDS = 999_999_999;
/** The 8-byte form holds 34 bits of seconds, the 4-byte form 32 bits and no nanoseconds. */
const SECONDS_BITS_IN_8_BYTES = 34;
const SECONDS_BITS_IN_4_BYTES = 32;

/** A class, so that a decoded map with the keys `seconds` and `nanoseconds` is not mistaken for a time. */
export class DecodedTimestamp implements Timestamp {
  readonly seconds: bigint;
  readonly nanoseconds: number;

  constructor(seconds: bigint, nanoseconds: number) {
    if (nanoseconds > MAX_NANOSECONDS)
      throw new WireFormatError('A timestamp with more than 999999999 nanoseconds');
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }
}

/** MessagePack's timestamp extension (-1): 4, 8 or 12 bytes. The library's own codec keeps only milliseconds. */
export const timestampCodec: ExtensionCodecType<undefined> = {
  tryToEncode: () => null,
  decode: decodeExtension,
};

function decodeExtension(data: Uint8Array, type: number): DecodedTimestamp {
  if (type !== EXT_TIMESTAMP) throw new WireFormatError(`Unknown extension type ${type}`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (data.byteLength) {
    case 4:
      return new DecodedTimestamp(BigInt(view.getUint32(0)), 0);
    case 8: {
      const packed = view.getBigUint64(0);
      const seconds = BigInt.asUintN(SECONDS_BITS_IN_8_BYTES, packed);
      return new DecodedTimestamp(seconds, Number(packed >> BigInt(SECONDS_BITS_IN_8_BYTES)));
    }
    case 12:
      return new DecodedTimestamp(view.getBigInt64(4), view.getUint32(0));
    default:
      throw new WireFormatError(`A timestamp of ${data.byteLength} bytes`);
  }
}

/** The shortest of the three forms, like Go's encoders. */
export function timestampBytes({ seconds, nanoseconds }: Timestamp): Buffer {
  if (nanoseconds === 0 && BigInt.asUintN(SECONDS_BITS_IN_4_BYTES, seconds) === seconds) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(Number(seconds));
    return bytes;
  }
  if (BigInt.asUintN(SECONDS_BITS_IN_8_BYTES, seconds) === seconds) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE((BigInt(nanoseconds) << BigInt(SECONDS_BITS_IN_8_BYTES)) | seconds);
    return bytes;
  }
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(nanoseconds);
  bytes.writeBigInt64BE(seconds, 4);
  return bytes;
}
