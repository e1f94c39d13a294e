import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { OURS } from '../candidates/background-consumer.ts';
import { startProgram } from '../child-program.ts';
import { inserts } from '../loads/inserts.ts';
import type { Load } from '../loads/load.ts';
import { quantile } from '../statistics.ts';
import type { Bench, Workload } from './workload.ts';

const ENTRIES_PER_SECOND = 200;
const MAX_ENTRIES = 2000;
/** Entries before the measured ones, until the consumer runs as it will. */
const WARM_UP_ENTRIES = 400;
const LOOK_INTERVAL_MS = 1;

/** From just before an XADD to the first time that another connection sees the row. */
export const latencyWorkload: Workload = {
  name: 'latency',
  title: `from XADD to the committed row at ${ENTRIES_PER_SECOND} entries/s`,
  contestants: async (bench) => [
    {
      name: OURS,
      turn: async () => {
        const load = inserts(WARM_UP_ENTRIES + Math.min(MAX_ENTRIES, bench.entries));
        const latencies = await measure(bench, load);
        const sorted = latencies.slice(WARM_UP_ENTRIES).toSorted((one, other) => one - other);
        return { 'latency p50': quantile(sorted, 0.5), 'latency p99': quantile(sorted, 0.99) };
      },
    },
  ],
  goals: [
    { metric: 'latency p50', of: OURS, atMost: 15 },
    { metric: 'latency p99', of: OURS, atMost: 100 },
  ],
};

/** Milliseconds, by place. */
async function measure({ stage, servers }: Bench, load: Load): Promise<number[]> {
  await stage.clear(load);
  const consumer = startProgram({ name: 'consumer' }, '--registry', servers.registryFile, '--tail');
  const connection = await createConnection({ uri: servers.mysqlUri });
  try {
    const addedAt: number[] = [];
    const [seenAt] = await Promise.all([
      watch(connection, load.entries),
      stage.withRedis((redis) => addSteadily(redis, load, addedAt)),
    ]);
    return seenAt.map((at, place) => at - (addedAt[place] ?? at));
  } finally {
    await connection.end();
    consumer.process.kill('SIGTERM');
    await consumer.result;
  }
}

async function addSteadily(redis: Redis, load: Load, addedAt: number[]): Promise<void> {
  const startedAt = performance.now();
  for (let place = 0; place < load.entries; place++) {
    const waitMs = startedAt + (place * 1000) / ENTRIES_PER_SECOND - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const { stream, body } = load.entry(place);
    addedAt[place] = performance.now();
    await redis.xadd(stream, '*', 's', body);
  }
}

/** When each row was seen, by place: inserts keep their order, so their ids say which they are. */
async function watch(connection: Connection, rows: number): Promise<number[]> {
  const seenAt: number[] = [];
  while (seenAt.length < rows) {
    const [found] = await connection.query<RowDataPacket[]>('SELECT ID FROM Plain WHERE ID > ?', [
      seenAt.length,
    ]);
    const now = performance.now();
    for (const _ of found) seenAt.push(now);
    await sleep(LOOK_INTERVAL_MS);
  }
  return seenAt;
}
