import { expect, test } from 'vitest';
import { describeLogLines } from '../../infra/localstack/describe-log-lines.ts';

const time = new Date(2026, 0, 2, 3, 4, 5).getTime();

test('Log lines omit empty values and metadata, and escape terminal control characters', () => {
  const texts = [
    'START RequestId: 1 Version: $LATEST',
    '{"level":"INFO","message":"drained","service":"s","complete":true,"seconds":1.5,"channels":{"lazy":{"entries":20063,"failed":0},"log":{"entries":0}}}',
    '{"_aws":{},"Entries":3}',
    '{"level":"ERROR","message":"no\\u001b[2J","code":"1062"}',
    'plain words',
    'END RequestId: 1',
    'REPORT RequestId: 1\tDuration: 7.4 ms\tBilled Duration: 8 ms',
    'REPORT RequestId: 2\tDuration: 1200 ms\tBilled Duration: 1200 ms',
  ];
  expect(
    describeLogLines(
      'poller',
      texts.map((text) => ({ time, text })),
    ),
  ).toEqual([
    '03:04:05  poller    drained complete: true, seconds: 1.5, channels: { lazy: { entries: 20,063 } }',
    '03:04:05  poller    ERROR no\\u001b[2J code: 1062',
    '03:04:05  poller    plain words',
    '03:04:05  poller    2 invocations, 7 to 1,200 ms',
  ]);
});
