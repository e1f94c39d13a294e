/**
 * The limit of what a consumer could reach: mysql2 alone, without Redis, ordering or ledger. Sends statements in
 * transactions of 50, each transaction in one request, over a few connections.
 *
 *     limit.ts --load inserts|updates --entries N --connections N --mysql URI
 */
import { parseArgs } from 'node:util';
import { type Connection, createConnection } from 'mysql2/promise';
import { inserts } from '../loads/inserts.ts';
import { updates } from '../loads/updates.ts';

const STATEMENTS_PER_TRANSACTION = 50;
const DEADLOCK = 1213;

const { values } = parseArgs({
  options: {
    load: { type: 'string', default: 'inserts' },
    entries: { type: 'string', default: '1000' },
    connections: { type: 'string', default: '8' },
    mysql: { type: 'string', default: '' },
  },
});
const entries = Number(values.entries);
const load = values.load === 'updates' ? updates(entries) : inserts(entries);
const transactions: string[] = [];
for (let start = 0; start < entries; start += STATEMENTS_PER_TRANSACTION) {
  const length = Math.min(STATEMENTS_PER_TRANSACTION, entries - start);
  const statements = Array.from({ length }, (_, index) => load.statement(start + index));
  transactions.push(['START TRANSACTION', ...statements, 'COMMIT'].join(';'));
}
const connections = await Promise.all(
  Array.from({ length: Number(values.connections) }, () =>
    createConnection({ uri: values.mysql, multipleStatements: true }),
  ),
);

const startedAt = performance.now();
const queue = transactions.values();
await Promise.all(connections.map(sendFromQueue));
const seconds = (performance.now() - startedAt) / 1000;
process.stdout.write(JSON.stringify({ seconds }), () => process.exit(0));

async function sendFromQueue(connection: Connection): Promise<void> {
  for (const transaction of queue) await sendUntilDone(connection, transaction);
}

/** Retries after a deadlock: transactions that update random rows in different orders can block each other. */
async function sendUntilDone(connection: Connection, transaction: string): Promise<void> {
  for (;;) {
    try {
      await connection.query(transaction);
      return;
    } catch (error) {
      if (!(error instanceof Error) || !('errno' in error) || error.errno !== DEADLOCK) throw error;
    }
  }
}
