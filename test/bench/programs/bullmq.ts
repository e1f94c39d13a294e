/**
 * BullMQ with mysql2: one job per statement, 32 jobs at a time. Fills the queue first; measures only the processing.
 *
 *     bullmq.ts --load inserts|updates --entries N --redis HOST:PORT --mysql URI
 */
import { parseArgs } from 'node:util';
import { Queue, Worker } from 'bullmq';
import { createPool } from 'mysql2/promise';
import { inserts } from '../loads/inserts.ts';
import { updates } from '../loads/updates.ts';

const CONCURRENCY = 32;
const JOBS_ADDED_AT_ONCE = 1000;
const QUEUE_NAME = 'statements';

const { values } = parseArgs({
  options: {
    load: { type: 'string', default: 'inserts' },
    entries: { type: 'string', default: '1000' },
    redis: { type: 'string', default: '' },
    mysql: { type: 'string', default: '' },
  },
});
const entries = Number(values.entries);
const load = values.load === 'updates' ? updates(entries) : inserts(entries);
const [host, port] = values.redis.split(':');
const connection = { host: host ?? '', port: Number(port), maxRetriesPerRequest: null };

const queue = new Queue(QUEUE_NAME, { connection });
for (let start = 0; start < entries; start += JOBS_ADDED_AT_ONCE) {
  const length = Math.min(JOBS_ADDED_AT_ONCE, entries - start);
  const jobs = Array.from({ length }, (_, index) => ({
    name: 'sql',
    data: { sql: load.statement(start + index) },
    opts: { removeOnComplete: true },
  }));
  await queue.addBulk(jobs);
}

const pool = createPool({ uri: values.mysql, connectionLimit: CONCURRENCY });
let done = 0;
const { promise: allDone, resolve, reject } = Promise.withResolvers<void>();
const worker = new Worker<{ sql: string }>(
  QUEUE_NAME,
  async ({ data }) => void (await pool.query(data.sql)),
  {
    connection,
    concurrency: CONCURRENCY,
    autorun: false,
  },
);
worker.on('completed', () => {
  done++;
  if (done === entries) resolve();
});
worker.on('failed', (_job, error) => reject(error));

const startedAt = performance.now();
worker.run().catch(reject);
await allDone;
const seconds = (performance.now() - startedAt) / 1000;
process.stdout.write(JSON.stringify({ seconds }), () => process.exit(0));
