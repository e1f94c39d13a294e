/** Why bytes are no MessagePack, or not of the expected shape. Names paths and types, never row values. */
export interface WireError {
  readonly message: string;
}

/** Thrown inside the decoders only; `decode…` functions turn it into a {@link WireError} value. */
export class WireFormatError extends Error {
  override readonly name = 'WireFormatError';
}
