/** An entry as it stands in Redis. */
export type StreamEntry = {
  /** Redis pool of the stream. */
  readonly pool: string;
  readonly stream: string;
  readonly id: string;
  /** Raw bytes by field name. */
  readonly fields: Readonly<Record<string, Buffer>>;
};
