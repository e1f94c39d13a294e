import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import * as z from 'zod';

/** Lambda's limit for the request and for the reply of a synchronous invocation: 6 MB of JSON in UTF-8. */
export const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;

/** Lambda counts slightly more than the payload itself. */
const HEADROOM_BYTES = 16 * 1024;

/**
 * Compressing smaller payloads isn't worth the time. In JSON, a non-ASCII byte takes 2 bytes, a control character 6.
 */
const COMPRESS_FROM_BYTES = 2 * 1024 * 1024;

/** Longer payloads are never compressed here, so a damaged one cannot use up the memory when it is decompressed. */
const MAX_UNPACKED_BYTES = 128 * 1024 * 1024;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A value as it is sent through Lambda: unchanged, or compressed in an envelope. */
export interface Payload {
  readonly value: unknown;
  /** The JSON of `value`. */
  readonly json: string;
}

const envelopeSchema = z.strictObject({ gzip: z.base64() });

/** What to send for `value`; undefined if it doesn't fit into `maxBytes` even when compressed. */
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

/**
 * The value that was packed.
 *
 * @throws Error if the payload is damaged; the message quotes nothing of it
 */
export async function unpackPayload(payload: unknown): Promise<unknown> {
  const envelope = envelopeSchema.safeParse(payload);
  if (!envelope.success) return payload;
  try {
    const json = await decompress(Buffer.from(envelope.data.gzip, 'base64'), {
      maxOutputLength: MAX_UNPACKED_BYTES,
    });
    return JSON.parse(json.toString('utf8'));
  } catch {
    throw new Error('the compressed payload cannot be read');
  }
}
