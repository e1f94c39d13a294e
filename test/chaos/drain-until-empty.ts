import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLocalConsumer } from '../../cli/consumer/local-consumer.ts';
import { parseBindings, type StreamBinding } from '../../functions/poller/channels/own-streams/binding.ts';
import { createOrdering } from '../../functions/poller/lanes/ordering.ts';
import { MysqlExecutor } from '../../functions/sql-executor/executor.ts';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import { createLogger } from '../../shared/logging.ts';
import type { SqlExecutor } from '../../shared/protocol.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import type { Registry } from '../../shared/registry/types.ts';
import { Random } from '../kit/generate/random.ts';
import { BrokenChannels } from './broken-channels.ts';
import { breakExecutor, UNORDERED } from './broken-executor.ts';
import { brokenSettle } from './broken-settle.ts';
import type { Orders } from './child-instructions.ts';
import { LossyExecutor } from './lossy-executor.ts';
import { setHandler } from './own-handler.ts';
import { BINDINGS } from './workloads/own-streams.ts';
import { SEARCH } from './workloads/search.ts';

const LEDGER_DATABASE = 'background_consumer';
/** Short, so that a killed poller keeps nobody out for long; longer than a busy machine holds a process up. */
const LOCK_TTL_MS = 700;
/** Small, so that a few entries make several batches. */
const BATCH_SIZE = 6;
const LAZY_CONCURRENCY = 4;
const PAUSE_MS = 40;

/**
 * Drains, again and again, until the streams are empty. On the way it sends its own process a signal, where its orders say
 * so. `onBegun`: once it has a lock.
 */
export async function drainUntilEmpty(orders: Orders, onBegun: () => void): Promise<void> {
  const { broken } = orders;
  const registry = parseRegistry(orders.registryYaml, 'registry.yaml');
  const brokenChannels = new BrokenChannels(registry);
  const reach = signalAt(orders);
  setHandler({
    handledFile: orders.handledFile,
    reach,
    ...(broken.includes('acknowledgement')
      ? { before: (records) => brokenChannels.acknowledge(records) }
      : {}),
  });
  const executor = new MysqlExecutor({
    mysqlPools: registry.mysqlPools,
    ledgerDatabase: LEDGER_DATABASE,
    connectionLimit: LAZY_CONCURRENCY + 3,
    failpoint: (point) => reach(`executor:${point}`),
  });
  const failpoint = async (point: string) => {
    if (point === 'locked') {
      onBegun();
      if (orders.isTail && broken.includes('position')) await brokenChannels.beginAtTheEnd();
    }
    if (point === 'trimmed' && broken.includes('groups')) await brokenChannels.trimForOneGroup();
    reach(`poller:${point}`);
  };
  const consumer = await openLocalConsumer(
    {
      registry,
      logger: createLogger({ level: 'warn', destination: process.stderr }),
      ordering: orders.ordering,
      lazyConcurrency: LAZY_CONCURRENCY,
      batchSize: BATCH_SIZE,
      ledgerDatabase: LEDGER_DATABASE,
      allowedStatements: [],
      search: SEARCH,
      bindings: bindingsOf(orders, registry),
    },
    {
      executor: withPoints(disturbed(executor, orders, brokenChannels), reach),
      lockTtlMs: LOCK_TTL_MS,
      failpoint,
      createOrdering: () => (broken.includes('order') ? UNORDERED : createOrdering(orders.ordering)),
      ...(broken.includes('settle') ? { settle: brokenSettle } : {}),
    },
  );
  for (;;) {
    // Redis may be away for longer than a drain waits for it: then there is another drain.
    const summary = await consumer
      .drain({ budgetMs: orders.budgetMs, tail: orders.isTail })
      .catch((error: unknown) => {
        console.error(error);
        return undefined;
      });
    if (summary?.complete === true) return;
    console.error(`drain ended: ${describeEnd(summary)}`);
    await sleep(PAUSE_MS);
  }
}

function describeEnd(summary: DrainSummary | undefined): string {
  if (summary === undefined) return 'with an error';
  const left = Object.entries(summary.channels).flatMap(([name, { pending, backlog }]) =>
    pending === 0 && backlog === 0 ? [] : [`${name} has ${pending} pending, ${backlog} unread`],
  );
  return [summary.reason, summary.message, ...left].filter((part) => part !== undefined).join('; ');
}

function bindingsOf({ broken }: Orders, registry: Registry): StreamBinding[] {
  const bindings = parseBindings(BINDINGS, 'bindings', registry);
  return broken.includes('lines') ? bindings.map((its) => ({ ...its, ordering: 'none' })) : bindings;
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

function disturbed(inner: SqlExecutor, { broken, lossSeed }: Orders, channels: BrokenChannels): SqlExecutor {
  let executor = broken.reduce(breakExecutor, inner);
  if (broken.includes('progress')) executor = channels.noteTooEarly(executor);
  return lossSeed === null ? executor : new LossyExecutor(executor, new Random(lossSeed));
}

function withPoints(executor: SqlExecutor, reach: (point: string) => void): SqlExecutor {
  return {
    execute: async (request) => {
      if (request.operation === 'batch') reach('executor:sent');
      const reply = await executor.execute(request);
      if (request.operation === 'batch') reach('executor:answered');
      if (request.operation === 'rows') reach('executor:page');
      return reply;
    },
  };
}
