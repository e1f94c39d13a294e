/** What stands under a pool's code, as far as a consumer is concerned, before it is checked. */
export interface PoolSettings {
  readonly mysql?: unknown;
  readonly redis?: unknown;
  readonly sentinel?: unknown;
  readonly streams?: unknown;
  readonly mysqlEncoding?: unknown;
  readonly mysqlCollate?: unknown;
}

/** Pools in the order of the file. */
export type PoolSettingsByCode = ReadonlyMap<string, PoolSettings>;
