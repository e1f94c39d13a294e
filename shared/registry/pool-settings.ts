/** The settings of a pool that matter to a consumer, before validation. */
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
