/** `npm run test:chaos [-- OPTIONS]`. See `--help`. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type ChaosOptions, runChaos } from './chaos.ts';
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { allDifferences, describeReport } from './report.ts';
import { SAFEGUARD_FACTS, SAFEGUARDS } from './safeguards.ts';

interface CommandOptions {
  readonly kills: number;
  readonly faults?: readonly FaultKind[] | number;
  readonly maxFaults?: number;
  readonly troubles?: number;
  readonly seed: number;
  readonly break?: ChaosOptions['broken'];
  readonly ordering: ChaosOptions['ordering'];
  readonly minutes?: number;
  readonly verbose?: true;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0)
    throw new InvalidArgumentError('Expected a whole number of 0 or more.');
  return count;
}

/** A number was the form of `--max-faults` before faults could be selected by their kind. */
function parseFaults(text: string): readonly FaultKind[] | number {
  if (/^\d+$/.test(text)) return parseCount(text);
  const names = text.split(',');
  const unknown = names.find((name) => !FAULT_KINDS.some((kind) => kind === name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`Unknown fault '${unknown}'. Choose from: ${FAULT_KINDS.join(', ')}.`);
  return FAULT_KINDS.filter((kind) => names.includes(kind));
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError('Expected a number greater than 0.');
  return minutes;
}

const DESCRIPTION =
  'Run consumer processes under faults, then check that no entry was lost, duplicated or applied out of order. ' +
  'The run starts its own servers. It kills consumers with SIGKILL, pauses them until their lock has expired, ' +
  'cuts and delays their connections, loses invocations of the executor, and restarts servers. It also does what other ' +
  'programs and operators do to the servers meanwhile. Some consumers run ' +
  'in tail mode and receive entries while they wait. The exit code is 1 if a check fails.';

const CHECKS = `
Workloads and their checks:
  statements       rows, log rows, dirty events, cache keys and dead letters are those of a
                   serial application of the same lazy and log entries
  counters         each update was executed once and in order, and none became a dead letter
  tickets          log rows and dirty events carry the IDs that a trigger assigned to their rows
  repairs          entries that were half applied are complete after their dead letters were
                   redriven, and nothing was applied twice
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
    '--faults <kinds>',
    `kinds of faults other than kills, separated by commas: ${FAULT_KINDS.join(', ')} (default: all)`,
    parseFaults,
  )
  .option(
    '--max-faults <count>',
    'maximum number of faults other than kills (default: all of these kinds, once per 200 kills)',
    parseCount,
  )
  .addOption(new Option('--troubles <count>', 'former name of --max-faults').argParser(parseCount).hideHelp())
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
  .option('--minutes <number>', 'start no new fault after this time (default: no limit)', parseMinutes)
  .option('--verbose', 'print each fault and the output of the consumers')
  .addHelpText('after', CHECKS)
  .addHelpText(
    'after',
    `\nSafeguards for --break, and what goes wrong without them:\n${safeguardLines.join('\n')}`,
  )
  .parse();

const options = command.opts<CommandOptions>();
const { kills, seed, ordering, faults = FAULT_KINDS, break: broken = [] } = options;
const report = await runChaos({
  kills,
  seed,
  ordering,
  broken,
  faultKinds: typeof faults === 'number' ? FAULT_KINDS : faults,
  maxOtherFaults:
    typeof faults === 'number' ? faults : (options.maxFaults ?? options.troubles ?? Number.POSITIVE_INFINITY),
  maxMs: (options.minutes ?? Number.POSITIVE_INFINITY) * 60_000,
  log: options.verbose === true ? console.error : () => undefined,
});
console.log(describeReport({ seed, broken }, report));
process.exitCode = allDifferences(report).length === 0 ? 0 : 1;
