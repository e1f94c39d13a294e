import { setTimeout as sleep } from 'node:timers/promises';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type PollerConfiguration, pollerConfigurationSchema } from '../../functions/poller/configuration.ts';
import { DeployedPoller } from '../../functions/poller/deployed-poller.ts';
import { DrainMetrics } from '../../functions/poller/metrics.ts';
import { answer } from '../../functions/sql-executor/answer.ts';
import { executorConfigurationSchema } from '../../functions/sql-executor/configuration.ts';
import { DeployedExecutor } from '../../functions/sql-executor/deployed-executor.ts';
import { FunctionConsumer } from '../../infra/local/remote/function-consumer.ts';
import { packPayload } from '../../shared/aws/payload.ts';
import type { SecretReader } from '../../shared/aws/secret-reader.ts';
import { createLogger } from '../../shared/logging.ts';
import { parseOperation } from '../../shared/operations.ts';
import { PROTOCOL_VERSION } from '../../shared/protocol.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { plantCacheKeys } from '../kit/cache-keys.ts';
import { compareState } from '../kit/compare.ts';
import { crudOutcome } from '../kit/crud-outcome.ts';
import { describeDifferences } from '../kit/difference.ts';
import { type InvocationAnswer, startLambdaEndpoint } from '../kit/lambda-endpoint.ts';
import { type LoadedFixture, loadFixture } from '../kit/load-fixture.ts';
import { entriesOf } from '../kit/recorded-entries.ts';
import { readState } from '../kit/state.ts';
import { readTestRegistry } from '../kit/test-registry.ts';
import type { Outcome } from '../oracle/outcome.ts';

const REMAINING_MS = 60_000;

/** Longer than the executor lets connections lie still. */
const FROZEN_MS = 5200;

/** Secrets in memory. The first read of each may be told to give an old password, as after a rotation. */
class MemorySecrets implements SecretReader {
  readonly #texts: ReadonlyMap<string, string>;
  reads = 0;
  freshReads = 0;
  isOutdated = false;

  constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = texts;
  }

  read(id: string, { isFresh }: { readonly isFresh: boolean }): Promise<string> {
    this.reads++;
    if (isFresh) {
      this.freshReads++;
      this.isOutdated = false;
    }
    const text = this.#texts.get(id) ?? '';
    return Promise.resolve(this.isOutdated ? text.replace(/"password":"[^"]*"/, '"password":"old"') : text);
  }
}

const quiet = createLogger({ level: 'error', destination: { write: () => true } });

interface Deployed {
  readonly poller: DeployedPoller;
  readonly executor: DeployedExecutor;
  readonly executorSecrets: MemorySecrets;
}

/** Both functions' own code over real servers; between them Lambda's API on a socket. */
async function deploy(
  fixture: LoadedFixture,
  before: () => InvocationAnswer = () => undefined,
): Promise<Deployed> {
  const registry = parseRegistry(fixture.registryYaml, 'registry.yaml');
  const mysqlPools = Object.fromEntries(
    [...registry.mysqlPools].map(([code, { host, port, database, parameters }]) => [
      code,
      { host, port, database, parameters: Object.fromEntries(parameters), secret: code },
    ]),
  );
  const texts = [...registry.mysqlPools].map(([code, { user, password }]): [string, string] => [
    code,
    JSON.stringify({ username: user, password }),
  ]);
  const executorSecrets = new MemorySecrets(new Map(texts));
  const executor = new DeployedExecutor({
    ...executorConfigurationSchema.parse({
      serviceName: 'test-executor',
      logLevel: 'error',
      mysqlPools,
      ledgerDatabase: fixture.database('background_consumer'),
      secretMaxAgeSeconds: 300,
    }),
    secrets: executorSecrets,
  });
  onTestFinished(() => executor.close());
  const endpoint = await startLambdaEndpoint(async (event) => {
    const refusal = before();
    return refusal ?? { result: await answer(executor, event, 30_000, quiet) };
  });
  const metrics = new Metrics({ namespace: 'Test', serviceName: 'test' });
  const poller = new DeployedPoller({
    configuration: pollerConfiguration(fixture),
    secrets: new MemorySecrets(new Map()),
    logger: quiet,
    metrics: new DrainMetrics('test', metrics),
    clientConfig: endpoint.clientConfig,
  });
  return { poller, executor, executorSecrets };
}

function pollerConfiguration(fixture: LoadedFixture): PollerConfiguration {
  const registry = parseRegistry(fixture.registryYaml, 'registry.yaml');
  const streams: Record<string, Record<string, readonly string[]>> = {};
  for (const { name, redisPool, groups } of registry.streams.values()) {
    streams[redisPool] = { ...streams[redisPool], [name]: groups };
  }
  const redisPools = [...registry.redisPools.values()].map(({ code, target, database, namespace, tls }) => [
    code,
    { target, database, namespace, tls },
  ]);
  return pollerConfigurationSchema.parse({
    serviceName: 'test',
    logLevel: 'error',
    mysqlPools: [...registry.mysqlPools.keys()],
    redisPools: Object.fromEntries(redisPools),
    streams,
    executor: 'sql-executor',
    ordering: 'entity',
    lazyConcurrency: 11,
    batchItems: 200,
    allowedStatements: [],
    isTail: false,
    budgetMs: 50_000,
    secretMaxAgeSeconds: 300,
  });
}

async function differencesFrom(fixture: LoadedFixture, expected: Outcome): Promise<string> {
  const registry = readTestRegistry(fixture.registryYaml, fixture.database(''));
  const state = await readState(registry);
  return describeDifferences(compareState(expected, state, entriesOf(fixture.recording)));
}

async function loadCrud(): Promise<{ fixture: LoadedFixture; expected: Outcome }> {
  const fixture = await loadFixture('crud');
  const expected = crudOutcome(fixture.directory);
  await plantCacheKeys(readTestRegistry(fixture.registryYaml, fixture.database('')), expected);
  return { fixture, expected };
}

describe('poller and SQL executor as functions', () => {
  test('drain the recorded case crud through Lambda’s API', async () => {
    const { fixture, expected } = await loadCrud();
    const { poller } = await deploy(fixture);
    const summary = await poller.perform({ operation: 'drain' }, REMAINING_MS);
    expect(summary).toMatchObject({ complete: true, reason: 'drained' });
    expect(await differencesFrom(fixture, expected)).toBe('');
  });

  test('drain it while every third invocation is throttled', async () => {
    const { fixture, expected } = await loadCrud();
    let count = 0;
    const { poller } = await deploy(fixture, () =>
      count++ % 3 === 0 ? { status: 429, errorName: 'TooManyRequestsException' } : undefined,
    );
    expect(await poller.perform({ operation: 'drain' }, REMAINING_MS)).toMatchObject({ complete: true });
    expect(await differencesFrom(fixture, expected)).toBe('');
  });

  test('read a secret once more when its password is refused', async () => {
    const { fixture, expected } = await loadCrud();
    const { poller, executorSecrets } = await deploy(fixture);
    executorSecrets.isOutdated = true;
    expect(await poller.perform({ operation: 'drain' }, REMAINING_MS)).toMatchObject({ complete: true });
    expect(executorSecrets.freshReads).toBeGreaterThan(0);
    expect(await differencesFrom(fixture, expected)).toBe('');
  });

  test('give up connections that died while the executor was frozen, unasked', async () => {
    const { fixture } = await loadCrud();
    const { poller, executor } = await deploy(fixture);
    await poller.perform({ operation: 'status' }, REMAINING_MS);
    await endSessions(fixture);
    await sleep(FROZEN_MS);
    const request = {
      version: PROTOCOL_VERSION,
      pool: 'default',
      consumer: 'me',
      deadline: Date.now() + 5000,
      operation: 'peek',
    } as const;
    expect(await executor.execute(request)).toEqual({ status: 'peeked', token: null });
  });

  test('leave all entries where they are when the executor may not be invoked, and say so', async () => {
    const { fixture } = await loadCrud();
    const { poller } = await deploy(fixture, () => ({ status: 403, errorName: 'AccessDeniedException' }));
    const summary = await poller.perform({ operation: 'drain' }, REMAINING_MS);
    expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
    expect(summary).toMatchObject({ message: expect.stringContaining('role of the poller') });
    expect(summary).toMatchObject({ channels: { lazy: { entries: 0, deadLetters: 0 } } });
  });
});

describe('status', () => {
  test('tells what is left, and that all servers answer', async () => {
    const { fixture } = await loadCrud();
    const { poller } = await deploy(fixture);
    const status = await poller.perform({ operation: 'status' }, REMAINING_MS);
    if (!('pools' in status)) throw new Error('no status');
    expect(status.pools.filter(({ failure }) => failure !== undefined)).toEqual([]);
    const lazy = status.channels.find(({ channel }) => channel === 'lazy');
    expect(lazy).toMatchObject({ pending: 0, deadLetters: 0 });
    expect(lazy?.backlog).toBeGreaterThan(0);
    expect(lazy?.oldestAgeSeconds).toBeGreaterThan(0);
  });

  test('names permission where the executor may not be invoked', async () => {
    const { fixture } = await loadCrud();
    const { poller } = await deploy(fixture, () => ({ status: 403, errorName: 'AccessDeniedException' }));
    const status = await poller.perform({ operation: 'status' }, REMAINING_MS);
    if (!('pools' in status)) throw new Error('no status');
    const failures = status.pools.filter(({ kind }) => kind === 'mysql').map(({ failure }) => failure?.hop);
    expect(new Set(failures)).toEqual(new Set(['permission']));
  });
});

describe('dead letters', () => {
  test('are listed in pages, and redriven once each', async () => {
    const fixture = await loadFixture('beeorm-breaks/duplicate-key');
    const { poller } = await deploy(fixture);
    await poller.perform({ operation: 'drain' }, REMAINING_MS);
    const listed = await poller.perform({ operation: 'dead-letters', filter: {} }, REMAINING_MS);
    if (!('deadLetters' in listed)) throw new Error('no page');
    const count = listed.deadLetters?.length ?? 0;
    expect(count).toBeGreaterThan(0);
    expect(listed.next).toBeUndefined();
    const redriven = await poller.perform({ operation: 'redrive', filter: {} }, REMAINING_MS);
    expect(redriven).toEqual({ changed: count });
    await poller.perform({ operation: 'drain' }, REMAINING_MS);
    const again = await poller.perform({ operation: 'discard', filter: {} }, REMAINING_MS);
    expect(again).toEqual({ changed: count });
  });
});

describe('a deployed consumer asked through its function', () => {
  test('lists, redrives and discards more dead letters than fit into one answer, each once', async () => {
    const fixture = await loadFixture('crud');
    const { poller } = await deploy(fixture);
    const consumer = await consumerThrough(poller);
    await addGarbage(fixture, 250);
    await consumer.ask({ operation: 'drain' });
    expect(new Set(await idsOf(consumer)).size).toBe(250);
    expect(await consumer.redrive({})).toEqual({ redriven: 250 });
    expect(await idsOf(consumer)).toEqual([]);
    await consumer.ask({ operation: 'drain' });
    const [first = ''] = await idsOf(consumer);
    const [shown] = await collect(consumer.list({ id: first }));
    expect(shown?.original).toContainEqual(['s', 'garbage']);
    expect(await consumer.discard({ stream: 'orm-lazy-channel' })).toEqual({ discarded: 250 });
  });

  test('gives the function’s own words where it fails', async () => {
    const endpoint = await startLambdaEndpoint(() =>
      Promise.resolve({ functionError: { errorType: 'ConnectionError', errorMessage: 'Redis is down' } }),
    );
    const consumer = new FunctionConsumer('poller', endpoint.clientConfig);
    await expect(consumer.status()).rejects.toThrow('Redis is down');
  });

  test('says what to check where it may not be invoked', async () => {
    const endpoint = await startLambdaEndpoint(() =>
      Promise.resolve({ status: 403, errorName: 'AccessDeniedException' }),
    );
    const consumer = new FunctionConsumer('poller', endpoint.clientConfig);
    await expect(consumer.status()).rejects.toMatchObject({
      code: 'function-refused',
      nextStep: expect.stringContaining('credentials'),
    });
  });
});

/** As the server does to those that have been silent for too long. */
async function endSessions(fixture: LoadedFixture): Promise<void> {
  const { host, port, user, password } = fixture.mysql;
  const connection = await createConnection({ host, port, user, password });
  const [sessions] = await connection.query<RowDataPacket[]>(
    'SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB LIKE ?',
    [`${fixture.database('').replaceAll('_', '\\_')}%`],
  );
  for (const { id } of sessions) await connection.query('KILL ?', [id]);
  await connection.end();
  expect(sessions.length).toBeGreaterThan(0);
}

/** Between them Lambda's API, as the handler answers it. */
async function consumerThrough(poller: DeployedPoller): Promise<FunctionConsumer> {
  const endpoint = await startLambdaEndpoint(async (event) => {
    const result = await poller.perform(parseOperation(event), REMAINING_MS);
    return { result: (await packPayload(result))?.value };
  });
  return new FunctionConsumer('poller', endpoint.clientConfig);
}

async function addGarbage(fixture: LoadedFixture, count: number): Promise<void> {
  const { host, port, database } = fixture.redis('default');
  const redis = new Redis({ host, port, db: database });
  const pipeline = redis.pipeline();
  for (let index = 0; index < count; index++) pipeline.xadd('orm-lazy-channel', '*', 's', 'garbage');
  await pipeline.exec();
  redis.disconnect();
}

async function idsOf(consumer: FunctionConsumer): Promise<string[]> {
  return (await collect(consumer.list({}))).map(({ id }) => id);
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
