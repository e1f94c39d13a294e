/** A stream and its group, as named in Redis, and the lock under which they are read. */
export interface FencedGroup {
  readonly lockKey: string;
  readonly lockValue: string;
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
}
