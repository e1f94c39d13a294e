/**
 * Drains a registry's streams like `consumer drain`, and writes a report as JSON to stdout.
 *
 *     consumer.ts --registry FILE [--executor mysql|without-ledger|instant] [--tail]
 *
 * With `--tail` it drains until it receives SIGTERM.
 */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { openLocalConsumer } from '../../../cli/consumer/local-consumer.ts';
import { createLogger } from '../../../shared/logging.ts';
import { SPARE_REQUESTS } from '../../../shared/protocol.ts';
import { readRegistry } from '../../../shared/registry/read-registry.ts';
import { LEDGER_DATABASE } from '../loads/schema.ts';
import { type ConsumerReport, EXECUTOR_NAMES } from './consumer-parameters.ts';
import { createExecutor, TimedExecutor } from './executors.ts';

const LAZY_CONCURRENCY = 11;
const BUDGET_MS = 3_600_000;

const { values } = parseArgs({
  options: {
    registry: { type: 'string', default: '' },
    executor: { type: 'string', default: 'mysql' },
    tail: { type: 'boolean', default: false },
  },
});
const registry = await readRegistry(values.registry);
const executorName = z.enum(EXECUTOR_NAMES).parse(values.executor);
const executor = new TimedExecutor(createExecutor(executorName, registry, LAZY_CONCURRENCY + SPARE_REQUESTS));
const consumer = await openLocalConsumer(
  {
    registry,
    logger: createLogger({ level: 'error', destination: process.stderr }),
    ordering: 'entity',
    lazyConcurrency: LAZY_CONCURRENCY,
    ledgerDatabase: LEDGER_DATABASE,
    allowedStatements: [],
  },
  { executor },
);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const startedAt = performance.now();
const usedBefore = process.cpuUsage();
const summary = await consumer.drain({ budgetMs: BUDGET_MS, isTail: values.tail, signal: stop.signal });
const seconds = (performance.now() - startedAt) / 1000;
if (!summary.complete && !values.tail) throw new Error(`the drain ended early: ${summary.reason}`);

const used = process.cpuUsage(usedBefore);
const report: ConsumerReport = {
  entries: Object.values(summary.channels).reduce((sum, { entries }) => sum + entries, 0),
  seconds,
  processorSeconds: (used.user + used.system) / 1e6,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  batches: executor.batches,
  items: executor.items,
  executorSeconds: executor.seconds,
};
process.stdout.write(JSON.stringify(report), () => process.exit(0));
