import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { BACKGROUND_CONSUMER } from '../candidates/background-consumer.ts';
import { startProgram } from '../child-program.ts';
import { inserts } from '../loads/inserts.ts';
import type { Load } from '../loads/load.ts';
import { quantile } from '../statistics.ts';
import type { Bench, Workload } from './workload.ts';

const ENTRIES_PER_SECOND = 200;
const MAX_ENTRIES = 2000;
/** Entries before the measured ones, which warm up the consumer. */
const WARM_UP_ENTRIES = 400;
const POLL_INTERVAL_MS = 1;

/** Measures the time from just before an XADD until another connection sees the row. */
export const latencyWorkload: Workload = {
  name: 'latency',
  title: `from XADD to the committed row at ${ENTRIES_PER_SECOND} entries/s`,
  candidates: async (bench) => [
    {
      name: BACKGROUND_CONSUMER,
      run: async () => {
        const load = inserts(WARM_UP_ENTRIES + Math.min(MAX_ENTRIES, bench.entries));
        const latencies = await measure(bench, load);
        const sorted = latencies.slice(WARM_UP_ENTRIES).toSorted((one, other) => one - other);
        return { 'latency p50': quantile(sorted, 0.5), 'latency p99': quantile(sorted, 0.99) };
      },
    },
  ],
  goals: [
    { metric: 'latency p50', of: BACKGROUND_CONSUMER, atMost: 15 },
    { metric: 'latency p99', of: BACKGROUND_CONSUMER, atMost: 100 },
  ],
};

/** Returns the latency of each entry, in milliseconds. */
async function measure({ testbed, servers }: Bench, load: Load): Promise<number[]> {
  await testbed.reset(load);
  const consumer = startProgram({ name: 'consumer' }, '--registry', servers.registryFile, '--tail');
  const connection = await createConnection({ uri: servers.mysqlUri });
  try {
    const addedAt: number[] = [];
    const [seenAt] = await Promise.all([
      watch(connection, load.entries),
      testbed.withRedis((redis) => addSteadily(redis, load, addedAt)),
    ]);
    return seenAt.map((at, index) => at - (addedAt[index] ?? at));
  } finally {
    await connection.end();
    consumer.process.kill('SIGTERM');
    await consumer.result;
  }
}

async function addSteadily(redis: Redis, load: Load, addedAt: number[]): Promise<void> {
  const startedAt = performance.now();
  for (let index = 0; index < load.entries; index++) {
    const waitMs = startedAt + (index * 1000) / ENTRIES_PER_SECOND - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const { stream, body } = load.entry(index);
    addedAt[index] = performance.now();
    await redis.xadd(stream, '*', 's', body);
  }
}

/** Records when each row became visible. Inserts stay in order, so the row's id identifies the entry. */
async function watch(connection: Connection, rows: number): Promise<number[]> {
  const seenAt: number[] = [];
  while (seenAt.length < rows) {
    const [found] = await connection.query<RowDataPacket[]>('SELECT ID FROM Plain WHERE ID > ?', [
      seenAt.length,
    ]);
    const now = performance.now();
    for (const _ of found) seenAt.push(now);
    await sleep(POLL_INTERVAL_MS);
  }
  return seenAt;
}
