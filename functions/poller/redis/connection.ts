import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { ConnectionError } from '../../../shared/errors.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';

const CONNECT_TIMEOUT_MS = 5000;

/**
 * Connects to a Redis pool. The connection never reconnects automatically: after a restart or a failover Redis may have
 * lost writes that it had confirmed, so the caller must start again from a known state.
 *
 * Rejects with a ConnectionError that has a next step.
 */
export async function connectRedis(pool: RedisPool): Promise<Redis> {
  // RESP3 returns maps where RESP2 returns flat arrays. The callers parse RESP2.
  const redis = new Redis({ ...redisOptions(pool), protocol: 2, replyMapping: 'legacy' });
  let lastError: unknown;
  // Without a listener ioredis prints errors to the console. Each error also rejects the command that caused it.
  redis.on('error', (error) => {
    lastError = error;
  });
  try {
    // `connect` also resolves if AUTH or SELECT failed. Commands would then go to database 0, which may belong to another
    // application.
    await withTimeout(redis.connect().then(() => redis.select(pool.database)));
    return redis;
  } catch (error) {
    redis.disconnect();
    throw toConnectionError(pool, lastError ?? error);
  }
}

/** ioredis limits only the time for the TCP connection, but a server that accepts it may still never reply. */
function withTimeout<Result>(connecting: Promise<Result>): Promise<Result> {
  const timeout = new AbortController();
  return Promise.race([
    connecting.finally(() => timeout.abort()),
    sleep(CONNECT_TIMEOUT_MS, undefined, { signal: timeout.signal }).then(
      () => Promise.reject(new Error(`no reply within ${CONNECT_TIMEOUT_MS} ms`)),
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
    ? `Check the user and password of pool '${pool.code}' in the registry or in its secret.`
    : 'Check that Redis is running at this address and that this machine can reach it.';
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
