import {
  BatchProcessor,
  EventType,
  processPartialResponse,
  SqsFifoPartialProcessorAsync,
} from '@aws-lambda-powertools/batch';
import type { SQSEvent, SQSHandler, SQSRecord } from 'aws-lambda';
import { expect, test } from 'vitest';
import { encode } from '../kit/generate/messagepack.ts';
import {
  drainOwnStream,
  MAILER,
  ORDERS,
  openOwnStreamScene,
  ownDeadLetters,
} from '../kit/own-stream-scene.ts';

/** Handlers that are written for SQS, with the types and the batch processor of Powertools, work unchanged. */

test('only the entries that the batch processor of Powertools reports as failed are delivered again', async () => {
  const scene = await openOwnStreamScene();
  await scene.addMany(6);
  const processor = new BatchProcessor(EventType.SQS);
  const attempts = new Map<number, number>();
  const handleRecord = async ({ body, attributes }: SQSRecord): Promise<void> => {
    const { n }: { n: number } = JSON.parse(body);
    attempts.set(n, Number(attributes.ApproximateReceiveCount));
    if (n === 4 && attributes.ApproximateReceiveCount !== '3') throw new Error('not yet');
    if (n === 5) throw new Error('never');
  };
  const handler = (event: SQSEvent) => processPartialResponse(event, handleRecord, processor);
  const summary = await drainOwnStream(scene, { retries: 2, handler });
  expect(Object.fromEntries(attempts)).toEqual({ 0: 1, 1: 1, 2: 1, 3: 1, 4: 3, 5: 3 });
  expect(summary.channels[`${ORDERS}/${MAILER}`]).toMatchObject({ entries: 6, deadLetters: 1, pending: 0 });
  expect(await ownDeadLetters(scene)).toMatchObject([{ attempts: 3 }]);
});

test('a batch is split in halves if Powertools could process none of its entries', async () => {
  const scene = await openOwnStreamScene();
  await scene.addMany(4);
  const sizes: number[] = [];
  const processor = new BatchProcessor(EventType.SQS);
  await drainOwnStream(scene, {
    retries: 0,
    handler: (event) => {
      sizes.push(event.Records.length);
      return processPartialResponse(event, () => Promise.reject(new Error('down')), processor);
    },
  });
  expect(sizes).toEqual([4, 2, 2, 1, 1, 1, 1]);
  expect(await ownDeadLetters(scene)).toHaveLength(4);
});

test('the FIFO batch processor of Powertools keeps the order of entries with an ordering field', async () => {
  const scene = await openOwnStreamScene();
  for (let n = 0; n < 6; n++) await scene.add({ s: `{"n":${n}}`, tenant: n % 2 === 0 ? 'even' : 'odd' });
  const processor = new SqsFifoPartialProcessorAsync();
  const done: number[] = [];
  const handleRecord = async ({ body, attributes }: SQSRecord): Promise<void> => {
    const { n }: { n: number } = JSON.parse(body);
    if (n === 2 && attributes.ApproximateReceiveCount === '1') throw new Error('not yet');
    done.push(n);
  };
  await drainOwnStream(scene, {
    ordering: { field: 'tenant' },
    handler: (event) => processPartialResponse(event, handleRecord, processor, { skipGroupOnError: true }),
  });
  expect(done.filter((n) => n % 2 === 0)).toEqual([0, 2, 4]);
  expect(done.filter((n) => n % 2 === 1)).toEqual([1, 3, 5]);
});

test("a handler of type SQSHandler receives BeeORM's dirty event decoded, with its tags as message attributes", async () => {
  const scene = await openOwnStreamScene();
  const id = await scene.add({
    s: encode({ I: 18_446_744_073_709_551_615n, A: 'u', E: 'main.Order' }),
    tenant: 'käse',
    token: Buffer.of(0xff, 0x00),
  });
  let received: SQSEvent | undefined;
  const handler: SQSHandler = async (event) => {
    received = event;
  };
  const lambdaContext: Parameters<SQSHandler>[1] = Object.create(null);
  await drainOwnStream(scene, { handler: (event) => handler(event, lambdaContext, () => undefined) });
  expect(received?.Records).toEqual([
    {
      messageId: id,
      receiptHandle: id,
      body: '{"I":"18446744073709551615","A":"u","E":"main.Order"}',
      attributes: {
        ApproximateReceiveCount: '1',
        ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
        SentTimestamp: id.split('-')[0],
        SenderId: '',
        bodyEncoding: 'json',
      },
      messageAttributes: {
        tenant: { stringValue: 'käse', stringListValues: [], binaryListValues: [], dataType: 'String' },
        token: { binaryValue: '/wA=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
      },
      md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventSource: 'redis:stream',
      eventSourceARN: `redis:stream:default:${ORDERS}:${MAILER}`,
      awsRegion: '',
    },
  ]);
});
