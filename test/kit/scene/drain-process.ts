import { readFileSync } from 'node:fs';
import { openLocalConsumer } from '../../../cli/consumer/local-consumer.ts';
import { MysqlExecutor } from '../../../functions/sql-executor/executor.ts';
import { binaryToBytes } from '../../../shared/binary-string.ts';
import { createLogger } from '../../../shared/logging.ts';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import { parseRegistry } from '../../../shared/registry/registry.ts';
import type { DrainOrders } from './drain-in-process.ts';

/** A drain in a process of its own, which tests may kill, or which kills itself where its orders say so. */
const orders: DrainOrders = JSON.parse(readFileSync(0, 'utf8'));
const registry = parseRegistry(orders.registryYaml, 'registry.yaml');
const { ledgerDatabase } = orders;

const executor = new MysqlExecutor({
  mysqlPools: registry.mysqlPools,
  ledgerDatabase,
  connectionLimit: 8,
  failpoint: (point) => reach(`executor ${point}`),
});
const consumer = await openLocalConsumer(
  {
    registry,
    logger: createLogger({ level: 'error', destination: process.stderr }),
    ordering: 'entity',
    lazyConcurrency: 4,
    allowedStatements: [],
    ledgerDatabase,
  },
  { executor: killedBy(orders.killerWord), failpoint: (point) => reach(`poller ${point}`) },
);
const summary = await consumer.drain({ budgetMs: orders.budgetMs ?? 20_000 });
process.stdout.write(JSON.stringify({ summary, maxMemoryBytes: process.resourceUsage().maxRSS * 1024 }));
process.exit(0);

function reach(point: string): void | Promise<void> {
  if (orders.killAt === point) process.kill(process.pid, 'SIGKILL');
  if (orders.standStillAt === point) {
    process.stdout.write('standing still\n');
    return new Promise(() => {});
  }
}

/** A statement with the word in it takes the whole process with it. */
function killedBy(word: string | undefined): SqlExecutor {
  return {
    execute: (request) => {
      const { operation } = request;
      const isDeadly =
        word !== undefined &&
        operation === 'batch' &&
        request.items.some(({ sql }) => binaryToBytes(sql).includes(word));
      if (isDeadly) process.kill(process.pid, 'SIGKILL');
      return executor.execute(request);
    },
  };
}
