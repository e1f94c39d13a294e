/** The registry of a BeeORM application, validated and with defaults filled in. */
export interface Registry {
  /** Where it was read from, for messages: a path, or a name such as `environment`. */
  readonly source: string;
  readonly mysqlPools: ReadonlyMap<string, MysqlPool>;
  readonly redisPools: ReadonlyMap<string, RedisPool>;
  readonly streams: ReadonlyMap<string, StreamDefinition>;
}

/**
 * The part of a registry that the poller knows. It only needs the codes of the MySQL pools: their addresses and
 * passwords stay in the SQL executor.
 */
export interface PollerRegistry extends Pick<Registry, 'redisPools' | 'streams'> {
  readonly mysqlPools: { has(code: string): boolean };
}

/**
 * The mode of TLS, from go-sql-driver's parameter `tls`: `verify` for `true` and for the name of a configuration that
 * is registered in Go, and so is unknown here; `skip-verify`; or `preferred`, which encrypts without verification if
 * the server supports TLS.
 */
export type MysqlTls = 'verify' | 'skip-verify' | 'preferred';

export interface MysqlAddress {
  readonly user: string;
  readonly password: string;
  /** Ignored if `socketPath` is set. */
  readonly host: string;
  readonly port: number;
  readonly socketPath?: string;
  readonly database: string;
  /** Absent if the connection doesn't use TLS. */
  readonly tls?: MysqlTls;
  /** All parameters of the DSN, percent-decoded, including those that this project doesn't use. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface MysqlPool extends MysqlAddress {
  readonly code: string;
  /**
   * BeeORM's `mysqlEncoding` and `mysqlCollate`. BeeORM applies them to every pool, under whichever pool they are set.
   */
  readonly encoding?: string;
  readonly collate?: string;
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export type RedisTarget =
  | ({ readonly kind: 'tcp' } & HostAndPort)
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'sentinel'; readonly master: string; readonly sentinels: readonly HostAndPort[] };

export interface RedisAddress {
  readonly target: RedisTarget;
  readonly database: number;
  /** Prefix of each key, stream and group, without the colon; empty for none. */
  readonly namespace: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
}

export interface RedisPool extends RedisAddress {
  readonly code: string;
}

export interface StreamDefinition {
  /** Without the pool's namespace. */
  readonly name: string;
  /** Code of the Redis pool that contains the stream. */
  readonly redisPool: string;
  /** Consumer groups, without the pool's namespace. */
  readonly groups: readonly string[];
}
