import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createOrdering } from '../../functions/poller/lanes/ordering.ts';
import { MysqlExecutor } from '../../functions/sql-executor/executor.ts';
import { openLocalConsumer } from '../../infra/local/in-process.ts';
import { createLogger } from '../../shared/logging.ts';
import type { SqlExecutor } from '../../shared/protocol.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { Random } from '../kit/generate/random.ts';
import { breakExecutor, UNORDERED } from './broken-mechanisms.ts';
import { brokenSettle } from './broken-settle.ts';
import { LossyExecutor } from './lossy-executor.ts';
import type { Orders } from './orders.ts';

const LEDGER_DATABASE = 'background_consumer';
/** Short, so that a killed poller keeps nobody out for long; longer than a busy machine holds a process up. */
const LOCK_TTL_MS = 700;
/** Small, so that a few entries make several batches. */
const BATCH_SIZE = 6;
const LAZY_CONCURRENCY = 4;
const PAUSE_MS = 40;

/**
 * Drains, again and again, until the streams are empty. On the way it sends its own process a signal, where its orders say
 * so.
 */
export async function drainUntilEmpty(orders: Orders): Promise<void> {
  const registry = parseRegistry(orders.registryYaml, 'registry.yaml');
  const reach = signalAt(orders);
  const executor = new MysqlExecutor({
    mysqlPools: registry.mysqlPools,
    ledgerDatabase: LEDGER_DATABASE,
    connectionLimit: LAZY_CONCURRENCY + 3,
    atPoint: (point) => reach(`executor:${point}`),
  });
  const consumer = await openLocalConsumer(
    {
      registry,
      logger: createLogger({ level: 'warn', destination: process.stderr }),
      ordering: orders.ordering,
      lazyConcurrency: LAZY_CONCURRENCY,
      batchSize: BATCH_SIZE,
      ledgerDatabase: LEDGER_DATABASE,
      allowedStatements: [],
    },
    {
      executor: withPoints(disturbed(executor, orders), reach),
      lockTtlMs: LOCK_TTL_MS,
      atPoint: (point) => reach(`poller:${point}`),
      createOrdering: () => (orders.broken === 'order' ? UNORDERED : createOrdering(orders.ordering)),
      ...(orders.broken === 'settle' ? { settle: brokenSettle } : {}),
    },
  );
  for (;;) {
    // Redis may be away for longer than a drain waits for it: then there is another drain.
    const summary = await consumer
      .drain({ budgetMs: orders.budgetMs, tail: orders.isTail })
      .catch((error: unknown) => console.error(error));
    if (summary?.complete === true) return;
    console.error(`drain ended: ${summary?.reason} ${summary?.message}`);
    await sleep(PAUSE_MS);
  }
}

/** Counts how often each point is reached, and sends the signal when it is time. After SIGKILL nothing follows. */
function signalAt({ end }: Orders): (point: string) => void {
  let hits = 0;
  return (point) => {
    if (point !== end?.point) return;
    hits += 1;
    if (hits !== end.hit) return;
    writeSync(process.stdout.fd, `${end.signal}\n`);
    process.kill(process.pid, end.signal);
  };
}

function disturbed(executor: SqlExecutor, { broken, lossSeed }: Orders): SqlExecutor {
  const inner = breakExecutor(executor, broken);
  return lossSeed === null ? inner : new LossyExecutor(inner, new Random(lossSeed));
}

function withPoints(executor: SqlExecutor, reach: (point: string) => void): SqlExecutor {
  return {
    execute: async (request) => {
      if (request.operation === 'batch') reach('executor:sent');
      const reply = await executor.execute(request);
      if (request.operation === 'batch') reach('executor:answered');
      return reply;
    },
  };
}
