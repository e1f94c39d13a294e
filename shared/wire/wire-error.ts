/**
 * Why bytes are not MessagePack, or don't have the expected shape. It contains paths and types, never values of a row.
 */
export interface WireError {
  readonly message: string;
}

/** Thrown only inside the decoders. The `decode…` functions return it as a {@link WireError}. */
export class WireFormatError extends Error {
  override readonly name = 'WireFormatError';
}
