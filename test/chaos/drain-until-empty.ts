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
import { brokenSettle, settleAckFirst } from './broken-settle.ts';
import type { ChildInstructions } from './child-instructions.ts';
import { LossyExecutor } from './lossy-executor.ts';
import { configureHandler } from './own-handler.ts';
import { BINDINGS } from './workloads/own-streams.ts';
import { SEARCH } from './workloads/search.ts';

const LEDGER_DATABASE = 'background_consumer';
/** Short, so that the lock of a killed poller expires soon; longer than a busy machine delays a process. */
const LOCK_TTL_MS = 700;
/** Small, so that a few entries need several batches. */
const BATCH_SIZE = 6;
const LAZY_CONCURRENCY = 4;
const PAUSE_MS = 40;

/**
 * Drains repeatedly until the streams are empty. If its instructions say so, the process sends itself a signal at a
 * failpoint. `onStarted` is called whenever a drain has taken its lock.
 */
export async function drainUntilEmpty(instructions: ChildInstructions, onStarted: () => void): Promise<void> {
  const { broken } = instructions;
  const registry = parseRegistry(instructions.registryYaml, 'registry.yaml');
  const brokenChannels = new BrokenChannels(registry);
  const reach = createSignaler(instructions);
  configureHandler({
    handledFile: instructions.handledFile,
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
      onStarted();
      if (instructions.isTail && broken.includes('position')) await brokenChannels.startAtTheEnd();
      if (broken.includes('foreign-counts')) await brokenChannels.setAsideByDeliveryCount();
    }
    if (point === 'trimmed' && broken.includes('groups')) await brokenChannels.trimForOneGroup();
    reach(`poller:${point}`);
  };
  const consumer = await openLocalConsumer(
    {
      registry,
      logger: createLogger({ level: 'warn', destination: process.stderr }),
      ordering: instructions.ordering,
      lazyConcurrency: LAZY_CONCURRENCY,
      batchSize: BATCH_SIZE,
      ledgerDatabase: LEDGER_DATABASE,
      allowedStatements: [],
      search: SEARCH,
      bindings: createBindings(instructions, registry),
    },
    {
      executor: withFailpoints(withFaults(executor, instructions, brokenChannels), reach),
      lockTtlMs: LOCK_TTL_MS,
      failpoint,
      createOrdering: () => (broken.includes('order') ? UNORDERED : createOrdering(instructions.ordering)),
      ...(broken.includes('settle') ? { settle: brokenSettle } : {}),
      ...(broken.includes('ack-first') ? { settle: settleAckFirst } : {}),
    },
  );
  for (;;) {
    // Redis may be away for longer than a drain waits for it. Then the next drain continues.
    const summary = await consumer
      .drain({ budgetMs: instructions.budgetMs, isTail: instructions.isTail })
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
  const remaining = Object.entries(summary.channels).flatMap(([name, { pending, backlog }]) =>
    pending === 0 && backlog === 0 ? [] : [`${name} has ${pending} pending, ${backlog} unread`],
  );
  return [summary.reason, summary.message, ...remaining].filter((part) => part !== undefined).join('; ');
}

function createBindings({ broken }: ChildInstructions, registry: Registry): StreamBinding[] {
  const bindings = parseBindings(BINDINGS, 'bindings', registry);
  if (!broken.includes('lines')) return bindings;
  return bindings.map((binding) => ({ ...binding, ordering: 'none' }));
}

/** Counts how often the failpoint is reached, and sends the signal at its `hit`. Nothing runs after a SIGKILL. */
function createSignaler({ selfSignal }: ChildInstructions): (failpoint: string) => void {
  let hits = 0;
  return (failpoint) => {
    if (failpoint !== selfSignal?.failpoint) return;
    hits += 1;
    if (hits !== selfSignal.hit) return;
    writeSync(process.stdout.fd, `${selfSignal.signal}\n`);
    process.kill(process.pid, selfSignal.signal);
  };
}

function withFaults(
  inner: SqlExecutor,
  { broken, lossSeed }: ChildInstructions,
  channels: BrokenChannels,
): SqlExecutor {
  let executor = broken.reduce(breakExecutor, inner);
  if (broken.includes('progress')) executor = channels.recordProgressTooEarly(executor);
  return lossSeed === null ? executor : new LossyExecutor(executor, new Random(lossSeed));
}

function withFailpoints(executor: SqlExecutor, reach: (failpoint: string) => void): SqlExecutor {
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
