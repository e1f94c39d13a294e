import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { ConnectionError } from '../../../shared/errors.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';

const CONNECT_TIMEOUT_MS = 5000;

/**
 * Connects to a Redis pool. The connection is never made anew by itself: after a restart or a failover Redis may have
 * forgotten what it answered before, so whoever uses it must begin again from a known state.
 *
 * Rejects with a ConnectionError that says what to do.
 */
export async function connectRedis(pool: RedisPool): Promise<Redis> {
  // RESP3 gives maps where RESP2 gives flat arrays; what follows reads RESP2.
  const redis = new Redis({ ...redisOptions(pool), protocol: 2, replyMapping: 'legacy' });
  let lastError: unknown;
  // Without a listener ioredis prints errors by itself; each of them also rejects the command that met it.
  redis.on('error', (error) => {
    lastError = error;
  });
  try {
    // `connect` also resolves where AUTH or SELECT failed, and commands then go to database 0: another application's.
    await withinTime(redis.connect().then(() => redis.select(pool.database)));
    return redis;
  } catch (error) {
    redis.disconnect();
    throw toConnectionError(pool, lastError ?? error);
  }
}

/** ioredis bounds only the TCP connection: a server that accepts it may still say nothing. */
function withinTime<Result>(connecting: Promise<Result>): Promise<Result> {
  const timeout = new AbortController();
  return Promise.race([
    connecting.finally(() => timeout.abort()),
    sleep(CONNECT_TIMEOUT_MS, undefined, { signal: timeout.signal }).then(
      () => Promise.reject(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`)),
      () => connecting,
    ),
  ]);
}

function redisOptions(pool: RedisPool): RedisOptions {
  return {
    ...target(pool),
    db: pool.database,
    ...(pool.username === undefined ? {} : { username: pool.username }),
    ...(pool.password === undefined ? {} : { password: pool.password }),
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    keepAlive: 10_000,
  };
}

function target(pool: RedisPool): RedisOptions {
  switch (pool.target.kind) {
    case 'tcp':
      return { host: pool.target.host, port: pool.target.port, ...(pool.tls ? { tls: {} } : {}) };
    case 'socket':
      return { path: pool.target.path };
    case 'sentinel':
      return {
        name: pool.target.master,
        sentinels: [...pool.target.sentinels],
        sentinelRetryStrategy: () => null,
        ...(pool.tls ? { tls: {} } : {}),
      };
  }
}

function toConnectionError(pool: RedisPool, cause: unknown): ConnectionError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const isRefusedLogin = /WRONGPASS|NOAUTH|ERR AUTH|invalid password|NOPERM/i.test(text);
  const code = isRefusedLogin ? 'redis-authentication' : 'redis-unreachable';
  const nextStep = isRefusedLogin
    ? `Check the user and password of pool '${pool.code}' in the registry, or in its secret.`
    : `Check that Redis runs there and that this machine may reach it.`;
  return new ConnectionError(code, `Redis pool '${pool.code}' (${describeTarget(pool)}): ${text}`, {
    cause,
    nextStep,
  });
}

function describeTarget(pool: RedisPool): string {
  switch (pool.target.kind) {
    case 'tcp':
      return `${pool.target.host}:${pool.target.port}`;
    case 'socket':
      return pool.target.path;
    case 'sentinel':
      return `sentinel master '${pool.target.master}'`;
  }
}
