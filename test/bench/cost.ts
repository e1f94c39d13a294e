/** `npm run cost [-- OPTIONS]`: what a million entries cost on Lambda. See `--help`. */
import { Command, InvalidArgumentError } from 'commander';
import { formatNumber, formatTable } from '../../cli/output/table.ts';
import { withBench } from './bench.ts';
import { drainOnce } from './candidates/background-consumer.ts';
import { costOfMillion, type MeasuredDurations } from './cost-model.ts';
import { mixed } from './loads/mixed.ts';

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
  .option('--entries <number>', 'entries of a mixed history to measure with here', number, 50_000)
  .option('--entries-per-second <number>', 'measured elsewhere: entries that a poller settles', number)
  .option('--items-per-entry <number>', 'the same: statements and log rows', number)
  .option('--items-per-batch <number>', 'the same: statements and log rows', number)
  .option('--seconds-per-batch <number>', 'the same: of a batch in the executor', number)
  .option('--poller-memory <gigabytes>', 'of the poller function', number, 1.769)
  .option('--executor-memory <gigabytes>', 'of the executor function', number, 0.5)
  .option('--poller-budget <seconds>', 'of work in one invocation of the poller', number, 50)
  .option('--invocation-overhead <seconds>', 'billed for each batch beside its work', number, 0.002)
  .option('--gigabyte-second-price <dollars>', 'default: arm64 in us-east-1', number, 0.0000133334)
  .option('--million-requests-price <dollars>', 'default: us-east-1', number, 0.2)
  .option('--json', 'write one JSON object', false)
  .addHelpText(
    'after',
    `
Without measured durations they are measured here, with servers of its own. They are those of a whole processor core,
which Lambda gives to 1.769 GB of memory. The prices are those of 2026: look up those of your region.`,
  )
  .parse()
  .opts<CostOptions>();

const measured = givenDurations(options) ?? (await measureHere(options.entries));
const parts = costOfMillion(measured, options, {
  perGigabyteSecond: options.gigabyteSecondPrice,
  perMillionRequests: options.millionRequestsPrice,
});
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
From ${formatNumber(entriesPerSecond)} entries/s, ${itemsPerEntry.toFixed(2)} items an entry, ${itemsPerBatch.toFixed(0)} items a batch of ${(secondsPerBatch * 1000).toFixed(1)} ms.`);
}
process.exit(0);

/** Undefined where not all are given that can't be guessed. */
function givenDurations(given: CostOptions): MeasuredDurations | undefined {
  const { entriesPerSecond, itemsPerEntry, itemsPerBatch, secondsPerBatch } = given;
  if (entriesPerSecond === undefined || itemsPerBatch === undefined || secondsPerBatch === undefined)
    return undefined;
  return { entriesPerSecond, itemsPerEntry: itemsPerEntry ?? 1, itemsPerBatch, secondsPerBatch };
}

async function measureHere(entries: number): Promise<MeasuredDurations> {
  const report = await withBench({ entries, peers: [] }, async ({ stage, servers }) => {
    await stage.fill(mixed(entries));
    return drainOnce(servers.registryFile, 'mysql');
  });
  return {
    entriesPerSecond: report.entries / report.seconds,
    itemsPerEntry: report.items / report.entries,
    itemsPerBatch: report.items / report.batches,
    secondsPerBatch: report.executorSeconds / report.batches,
  };
}

function number(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}
