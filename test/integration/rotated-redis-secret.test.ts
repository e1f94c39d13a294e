import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pollerConfigurationSchema } from '../../functions/poller/aws/configuration.ts';
import { DeployedPoller } from '../../functions/poller/aws/deployed-poller.ts';
import { type DrainMeasures, DrainMetrics } from '../../functions/poller/aws/metrics.ts';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import type { SecretReader } from '../../shared/aws/secret-reader.ts';
import { ConfigurationError } from '../../shared/errors.ts';
import { createLogger } from '../../shared/logging.ts';
import { ASYNC_CONSUMER_GROUP, BUILT_IN_STREAMS } from '../../shared/registry/beeorm-names.ts';

const PASSWORD = 'the new one';
const REMAINING_MS = 30_000;

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis({ password: PASSWORD });
});
afterAll(() => redis.stop());

/** A poller that has kept an old password; read afresh, the secret says `fresh`. */
function pollerWith(fresh: string | Error) {
  let freshReads = 0;
  const secrets: SecretReader = {
    read(_, { isFresh }) {
      if (isFresh) freshReads++;
      if (!isFresh) return Promise.resolve('the old one');
      return fresh instanceof Error ? Promise.reject(fresh) : Promise.resolve(fresh);
    },
  };
  const target = { kind: 'tcp', host: redis.host, port: redis.port };
  const configuration = pollerConfigurationSchema.parse({
    serviceName: 'test',
    logLevel: 'error',
    mysqlPools: [],
    redisPools: { default: { target, database: 0, namespace: '', tls: false, secret: 'redis' } },
    streams: {
      default: Object.fromEntries(BUILT_IN_STREAMS.map((stream) => [stream, [ASYNC_CONSUMER_GROUP]])),
    },
    executor: 'nobody',
    ordering: 'entity',
    lazyConcurrency: 1,
    batchItems: 1,
    allowedStatements: [],
    isTail: false,
    budgetMs: 5000,
    secretMaxAgeSeconds: 300,
  });
  const logger = createLogger({ level: 'error', destination: { write: () => true } });
  const metrics = new KeptMetrics('test');
  return {
    poller: new DeployedPoller({ configuration, secrets, logger, metrics }),
    freshReads: () => freshReads,
    measured: () => metrics.last?.channels.map(({ channel }) => channel),
  };
}

class KeptMetrics extends DrainMetrics {
  last: DrainMeasures | undefined;

  override publish(measures: DrainMeasures): void {
    this.last = measures;
  }
}

describe('a password of Redis that was rotated', () => {
  test('is read afresh once, and the streams are drained', async () => {
    const { poller, freshReads, measured } = pollerWith(PASSWORD);
    expect(await poller.perform({ operation: 'drain' }, REMAINING_MS)).toMatchObject({ complete: true });
    expect(freshReads()).toBe(1);
    expect(measured()).toContain('lazy');
  });

  test('is read afresh for dead letters too', async () => {
    const { poller } = pollerWith(PASSWORD);
    const page = await poller.perform({ operation: 'dead-letters', filter: {} }, REMAINING_MS);
    expect(page).toEqual({ deadLetters: [] });
  });

  test('or whose secret can’t be read is named in status, beside what else is well', async () => {
    const { poller } = pollerWith(
      new ConfigurationError(
        'secret-unreadable',
        'secret redis: Secrets Manager answered AccessDeniedException',
      ),
    );
    expect(await poller.perform({ operation: 'status' }, REMAINING_MS)).toMatchObject({
      pools: [{ pool: 'default', failure: { stage: 'secret', code: 'secret-unreadable' } }],
      channels: [],
    });
  });

  test('to something else than the secret says is named, without either password', async () => {
    const { poller, freshReads } = pollerWith('a wrong one');
    await expect(poller.perform({ operation: 'drain' }, REMAINING_MS)).rejects.toMatchObject({
      code: 'redis-authentication',
      message: expect.not.stringMatching(/ one/),
    });
    expect(freshReads()).toBe(1);
    const status = await poller.perform({ operation: 'status' }, REMAINING_MS);
    expect(status).toMatchObject({ pools: [{ pool: 'default', failure: { stage: 'authentication' } }] });
  });
});
