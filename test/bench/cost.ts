/** `npm run cost [-- OPTIONS]`. See `--help`. */
import { Command } from 'commander';
import { formatNumber, formatTable } from '../../cli/output/table.ts';
import { withBench } from './bench.ts';
import { drainOnce } from './candidates/background-consumer.ts';
import { costOfMillion, type MeasuredDurations } from './cost-model.ts';
import { mixed } from './loads/mixed.ts';
import { parseCount, parsePositiveNumber } from './option-values.ts';

interface CostOptions {
  readonly entries: number;
  readonly entriesPerSecond?: number;
  readonly itemsPerEntry?: number;
  readonly itemsPerBatch?: number;
  readonly secondsPerBatch?: number;
  readonly pollerMemory: number;
  readonly executorMemory: number;
  readonly pollerBudget: number;
  readonly invocationOverhead: number;
  readonly gigabyteSecondPrice: number;
  readonly millionRequestsPrice: number;
  readonly json: boolean;
}

const options = new Command('npm run cost --')
  .description('Compute what a million entries cost on Lambda, from measured durations and prices.')
  .option('--entries <number>', 'entries of the mixed history to measure on this machine', parseCount, 50_000)
  .option(
    '--entries-per-second <number>',
    'measured elsewhere: entries that one poller settles per second',
    parsePositiveNumber,
  )
  .option(
    '--items-per-entry <number>',
    'measured elsewhere: statements and log rows per entry',
    parsePositiveNumber,
  )
  .option(
    '--items-per-batch <number>',
    'measured elsewhere: statements and log rows per batch',
    parsePositiveNumber,
  )
  .option(
    '--seconds-per-batch <number>',
    'measured elsewhere: duration of a batch in the executor',
    parsePositiveNumber,
  )
  .option('--poller-memory <gigabytes>', 'memory of the poller function', parsePositiveNumber, 1.769)
  .option('--executor-memory <gigabytes>', 'memory of the executor function', parsePositiveNumber, 0.5)
  .option(
    '--poller-budget <seconds>',
    'how long one invocation of the poller drains',
    parsePositiveNumber,
    50,
  )
  .option(
    '--invocation-overhead <seconds>',
    'billed per batch in addition to its duration',
    parsePositiveNumber,
    0.002,
  )
  .option(
    '--gigabyte-second-price <dollars>',
    'price of a GB-second; the default is for arm64 in us-east-1',
    parsePositiveNumber,
    0.0000133334,
  )
  .option(
    '--million-requests-price <dollars>',
    'price of a million requests; the default is for us-east-1',
    parsePositiveNumber,
    0.2,
  )
  .option('--json', 'print one JSON object', false)
  .addHelpText(
    'after',
    `
If --entries-per-second, --items-per-batch or --seconds-per-batch is missing, the command measures the durations on this
machine, with servers that it starts itself. Such durations are those of a full processor core, which a function gets
with 1.769 GB of memory. The default prices are from 2026; look up the prices of your region.`,
  )
  .parse()
  .opts<CostOptions>();

const measured = givenDurations(options) ?? (await measureHere(options.entries));
const { pollerMemory, executorMemory, pollerBudget, invocationOverhead } = options;
const parts = costOfMillion(
  measured,
  { pollerMemory, executorMemory, pollerBudget, invocationOverhead },
  { perGigabyteSecond: options.gigabyteSecondPrice, perMillionRequests: options.millionRequestsPrice },
);
const total = parts.reduce((sum, { dollars }) => sum + dollars, 0);
if (options.json) console.log(JSON.stringify({ measured, parts, total }));
else {
  const rows = parts.map(({ what, invocations, seconds, gigabyteSeconds, dollars }) => [
    what,
    ...[invocations, seconds, gigabyteSeconds].map(formatNumber),
    `$${dollars.toFixed(4)}`,
  ]);
  const { entriesPerSecond, itemsPerEntry, itemsPerBatch, secondsPerBatch } = measured;
  console.log(`${formatTable(['', 'invocations', 'seconds', 'GB-seconds', 'cost'], rows)}

A million entries: $${total.toFixed(4)}
Based on ${formatNumber(entriesPerSecond)} entries/s, ${itemsPerEntry.toFixed(2)} items per entry, ${itemsPerBatch.toFixed(0)} items per batch, ${(secondsPerBatch * 1000).toFixed(1)} ms per batch.`);
}
process.exit(0);

/** Undefined if a duration is missing that has no default. */
function givenDurations(given: CostOptions): MeasuredDurations | undefined {
  const { entriesPerSecond, itemsPerEntry, itemsPerBatch, secondsPerBatch } = given;
  if (entriesPerSecond === undefined || itemsPerBatch === undefined || secondsPerBatch === undefined)
    return undefined;
  return { entriesPerSecond, itemsPerEntry: itemsPerEntry ?? 1, itemsPerBatch, secondsPerBatch };
}

async function measureHere(entries: number): Promise<MeasuredDurations> {
  const report = await withBench({ entries, peers: [] }, async ({ testbed, servers }) => {
    await testbed.fill(mixed(entries));
    return drainOnce(servers.registryFile, 'mysql');
  });
  return {
    entriesPerSecond: report.entries / report.seconds,
    itemsPerEntry: report.items / report.entries,
    itemsPerBatch: report.items / report.batches,
    secondsPerBatch: report.executorSeconds / report.batches,
  };
}
