import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import * as z from 'zod';

/** Lambda's limit for a request and for a reply of a synchronous invocation: 6 MB of JSON in UTF-8. */
export const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;

/** Lambda counts a little more than the payload itself. */
const HEADROOM_BYTES = 16 * 1024;

/** Smaller ones aren't worth the time. A byte that is not ASCII takes two in UTF-8, a control character six. */
const COMPRESS_FROM_BYTES = 2 * 1024 * 1024;

/** Nothing that was compressed here is longer; a damaged length must not take all memory. */
const MAX_UNPACKED_BYTES = 128 * 1024 * 1024;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A value as it travels through Lambda: as it is, or compressed in an envelope. */
export interface Payload {
  readonly value: unknown;
  /** The JSON of `value`. */
  readonly json: string;
}

const envelopeSchema = z.strictObject({ gzip: z.base64() });

/** What to send in place of `value`; undefined where it can't be made to fit. */
export async function packPayload(
  value: unknown,
  maxBytes = MAX_PAYLOAD_BYTES - HEADROOM_BYTES,
): Promise<Payload | undefined> {
  const json = JSON.stringify(value);
  const bytes = Buffer.byteLength(json, 'utf8');
  if (bytes < Math.min(maxBytes, COMPRESS_FROM_BYTES)) return { value, json };
  if (bytes > MAX_UNPACKED_BYTES) return undefined;
  const compressed = await compress(json, { level: constants.Z_BEST_SPEED });
  const envelope = { gzip: compressed.toString('base64') };
  const packed = { value: envelope, json: JSON.stringify(envelope) };
  return packed.json.length <= maxBytes ? packed : undefined;
}

/** The value that was packed. Rejects where the payload is damaged, with an error that quotes nothing of it. */
export async function unpackPayload(payload: unknown): Promise<unknown> {
  const envelope = envelopeSchema.safeParse(payload);
  if (!envelope.success) return payload;
  try {
    const json = await decompress(Buffer.from(envelope.data.gzip, 'base64'), {
      maxOutputLength: MAX_UNPACKED_BYTES,
    });
    return JSON.parse(json.toString('utf8'));
  } catch {
    throw new Error('the compressed payload can’t be read');
  }
}
