import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FunctionConsumer } from '../../cli/consumer/function-consumer.ts';
import type { DeployedPoller } from '../../functions/poller/aws/deployed-poller.ts';
import { packPayload } from '../../shared/aws/payload.ts';
import { parseOperation } from '../../shared/operations.ts';
import { addGarbage } from '../kit/add-garbage.ts';
import { deploy, REMAINING_MS } from '../kit/deployed-scene.ts';
import { startLambdaEndpoint } from '../kit/lambda-endpoint.ts';
import { loadFixture } from '../kit/load-fixture.ts';

describe('a deployed consumer asked through its function', () => {
  test('lists, redrives and discards more dead letters than fit into one answer, each once', async () => {
    const fixture = await loadFixture('crud');
    const { poller } = await deploy(fixture);
    const consumer = await consumerThrough(poller);
    await addGarbage(fixture, 'orm-lazy-channel', 250);
    await consumer.perform({ operation: 'drain' });
    expect(new Set(await idsOf(consumer)).size).toBe(250);
    expect(await consumer.redrive({})).toEqual({ redriven: 250 });
    expect(await idsOf(consumer)).toEqual([]);
    await consumer.perform({ operation: 'drain' });
    const [first = ''] = await idsOf(consumer);
    const [shown] = await collect(consumer.list({ id: first }));
    expect(shown?.original).toContainEqual(['s', 'garbage']);
    expect(await consumer.discard({ stream: 'orm-lazy-channel' })).toEqual({ discarded: 250 });
  });

  test('gives the function’s own words where it fails', async () => {
    const endpoint = await startLambdaEndpoint(() =>
      Promise.resolve({
        functionError: { errorType: 'ConnectionError', errorMessage: 'Redis is down. Start it.' },
      }),
    );
    const consumer = new FunctionConsumer('poller', endpoint.clientConfig);
    await expect(consumer.status()).rejects.toThrow('Redis is down. Start it.');
  });

  test('says that the region is not known', async () => {
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/dev/null');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    await expect(new FunctionConsumer('poller', { credentials }).status()).rejects.toMatchObject({
      code: 'no-region',
      nextStep: expect.stringContaining('AWS_REGION'),
    });
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

/** Between them Lambda's API, as the handler answers it. */
async function consumerThrough(poller: DeployedPoller): Promise<FunctionConsumer> {
  const endpoint = await startLambdaEndpoint(async (event) => {
    const result = await poller.perform(parseOperation(event), REMAINING_MS);
    return { result: (await packPayload(result))?.value };
  });
  return new FunctionConsumer('poller', endpoint.clientConfig);
}

async function idsOf(consumer: FunctionConsumer): Promise<string[]> {
  return (await collect(consumer.list({}))).map(({ id }) => id);
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
