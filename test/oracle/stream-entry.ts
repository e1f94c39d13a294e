/** An entry as Redis stores it. */
export type StreamEntry = {
  /** The Redis pool of the stream. */
  readonly pool: string;
  readonly stream: string;
  readonly id: string;
  /** Raw bytes by field name. */
  readonly fields: Readonly<Record<string, Buffer>>;
};
