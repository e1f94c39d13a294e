/** What a BeeORM application's registry says, checked and with its defaults filled in. */
export interface Registry {
  /** Where it was read from, for messages: a path, or a name such as `environment`. */
  readonly source: string;
  readonly mysqlPools: ReadonlyMap<string, MysqlPool>;
  readonly redisPools: ReadonlyMap<string, RedisPool>;
  readonly streams: ReadonlyMap<string, StreamDefinition>;
}

/**
 * The part of a registry that the poller knows. It only needs the codes of the MySQL pools: their addresses and passwords
 * stay in the SQL executor.
 */
export interface PollerRegistry extends Pick<Registry, 'redisPools' | 'streams'> {
  readonly mysqlPools: { has(code: string): boolean };
}

/**
 * How TLS is used, by go-sql-driver's parameter `tls`: `verify` for `true` and for a configuration registered in Go under
 * a name (which can't be seen from here), `skip-verify`, or `preferred` (encrypted where the server can, unverified).
 */
export type MysqlTls = 'verify' | 'skip-verify' | 'preferred';

export interface MysqlAddress {
  readonly user: string;
  readonly password: string;
  /** Meaningless where `socketPath` is given. */
  readonly host: string;
  readonly port: number;
  readonly socketPath?: string;
  readonly database: string;
  /** Absent: no TLS. */
  readonly tls?: MysqlTls;
  /** The DSN's parameters as they stand there, percent-decoded; what nobody here knows included. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface MysqlPool extends MysqlAddress {
  readonly code: string;
  /** BeeORM's `mysqlEncoding` and `mysqlCollate`. It applies them to every pool, whichever pool they stand under. */
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
  /** Goes before each key, stream and group, with a colon. Empty: none. */
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
  /** Code of the Redis pool that it lives in. */
  readonly redisPool: string;
  /** Consumer groups, without the pool's namespace. */
  readonly groups: readonly string[];
}
