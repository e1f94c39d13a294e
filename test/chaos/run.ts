/** `npm run test:chaos [-- OPTIONS]`. See `--help`. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type ChaosOptions, runChaos } from './chaos.ts';
import { allDifferences, describeReport } from './report.ts';
import { SAFEGUARD_FACTS, SAFEGUARDS } from './safeguards.ts';

interface CommandOptions {
  readonly kills: number;
  readonly faults?: number;
  readonly troubles?: number;
  readonly seed: number;
  readonly break?: ChaosOptions['broken'];
  readonly ordering: ChaosOptions['ordering'];
  readonly minutes: number;
  readonly verbose?: true;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0)
    throw new InvalidArgumentError('Expected a whole number of 0 or more.');
  return count;
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError('Expected a number greater than 0.');
  return minutes;
}

const DESCRIPTION =
  'Run consumer processes under faults, then check that no entry was lost, duplicated or applied out of order. ' +
  'The run starts its own servers. It kills consumers with SIGKILL, pauses them until their lock has expired, ' +
  'cuts and delays their connections, loses invocations of the executor, and restarts servers. Some consumers run ' +
  'in tail mode and receive entries while they wait. The exit code is 1 if a check fails.';

const CHECKS = `
Workloads and their checks:
  statements       rows, log rows, dirty events, cache keys and dead letters are those of a
                   serial application of the same lazy and log entries
  search           each document matches its row, and the progress key is deleted
  garbage          no entry was trimmed that a group had yet to read or to acknowledge, no dead
                   letter was trimmed, and nothing that can be trimmed is left at the end
  own streams      each entry has reached its handler or the dead letters and is acknowledged;
                   entries with the same key were handled in order`;

const safeguardLines = SAFEGUARDS.map(
  (safeguard) =>
    `  ${safeguard.padEnd(17)}${SAFEGUARD_FACTS[safeguard].workload}: ${SAFEGUARD_FACTS[safeguard].without}`,
);

const command = new Command('npm run test:chaos --')
  .description(DESCRIPTION)
  .option('--kills <count>', 'number of processes to kill', parseCount, 150)
  .option(
    '--faults <count>',
    'maximum number of pauses, network failures, lost invocations and restarts (default: all 28, once per 200 kills)',
    parseCount,
  )
  .addOption(new Option('--troubles <count>', 'former name of --faults').argParser(parseCount).hideHelp())
  .option(
    '--seed <number>',
    'seed for entries and faults; repeat a run with its seed',
    parseCount,
    Date.now() % 1_000_000,
  )
  .addOption(
    new Option(
      '--break <names...>',
      'switch off safeguards and run only the workloads that depend on them; the checks must fail',
    ).choices(SAFEGUARDS),
  )
  .addOption(
    new Option('--ordering <ordering>', 'ordering of statements')
      .choices(['entity', 'pool'])
      .default('entity'),
  )
  .option('--minutes <number>', 'start no new fault after this time', parseMinutes, 10)
  .option('--verbose', 'print each fault and the output of the consumers')
  .addHelpText('after', CHECKS)
  .addHelpText(
    'after',
    `\nSafeguards for --break, and what goes wrong without them:\n${safeguardLines.join('\n')}`,
  )
  .parse();

const options = command.opts<CommandOptions>();
const { kills, seed, ordering, break: broken = [] } = options;
const report = await runChaos({
  kills,
  seed,
  ordering,
  broken,
  maxOtherFaults: options.faults ?? options.troubles ?? Number.POSITIVE_INFINITY,
  maxMs: options.minutes * 60_000,
  log: options.verbose === true ? console.error : () => undefined,
});
console.log(describeReport({ seed, broken }, report));
process.exitCode = allDifferences(report).length === 0 ? 0 : 1;
