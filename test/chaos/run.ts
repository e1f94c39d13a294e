import { Command, InvalidArgumentError, Option } from 'commander';
import { type ChaosOptions, runChaos } from './chaos.ts';
import { allDifferences, describeReport } from './report.ts';
import { MECHANISM_FACTS, MECHANISMS } from './safeguards.ts';

interface CommandOptions {
  readonly kills: number;
  readonly troubles?: number;
  readonly seed: number;
  readonly break?: ChaosOptions['broken'];
  readonly ordering: ChaosOptions['ordering'];
  readonly minutes: number;
  readonly verbose?: true;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0) throw new InvalidArgumentError('Not a whole number from 0.');
  return count;
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError('Not a number above 0.');
  return minutes;
}

const DESCRIPTION =
  'Starts servers of its own, has real processes drain them, kills these with SIGKILL, stops them past their lock, ' +
  'cuts and delays their connections, loses invocations, restarts the servers, and checks in the end what is ' +
  'promised of each channel. Some of the processes drain in tail mode, and get entries while they wait. Exits with ' +
  '1 where something differs.';

const CHECKS = `
What is checked:
  statements       rows, log rows, dirty events, cache keys and dead letters of lazy and
                   log entries are those of a serial application of the same entries
  search           each document says what its row says, and the progress key is gone
  garbage          nothing was trimmed that a group had still to read or to acknowledge,
                   no dead letter was, and in the end nothing is left to trim
  own streams      each entry has reached its handler or the dead letters, is acknowledged,
                   and those with equal keys were handled in their order`;

const mechanismLines = MECHANISMS.map(
  (mechanism) =>
    `  ${mechanism.padEnd(17)}${MECHANISM_FACTS[mechanism].subject}: ${MECHANISM_FACTS[mechanism].without}`,
);

const command = new Command('test:chaos')
  .description(DESCRIPTION)
  .option('--kills <count>', 'processes to kill', parseCount, 150)
  .option(
    '--troubles <count>',
    'pauses, failing networks and restarts, at most (default: all 28, once for each 200 kills)',
    parseCount,
  )
  .option(
    '--seed <number>',
    'of what there is to do and of the troubles, to replay a run',
    parseCount,
    Date.now() % 1_000_000,
  )
  .addOption(
    new Option(
      '--break <mechanisms...>',
      'switch mechanisms off, and leave out what has no part in them: differences must be found',
    ).choices(MECHANISMS),
  )
  .addOption(new Option('--ordering <ordering>').choices(['entity', 'pool']).default('entity'))
  .option('--minutes <number>', 'begin nothing new after this time', parseMinutes, 10)
  .option('--verbose', 'tell each trouble and what the consumers say')
  .addHelpText('after', CHECKS)
  .addHelpText('after', `\nWhat happens without each of the mechanisms:\n${mechanismLines.join('\n')}`)
  .parse();

const {
  break: broken = [],
  troubles = Number.POSITIVE_INFINITY,
  minutes,
  verbose,
  ...options
} = command.opts<CommandOptions>();
const report = await runChaos({
  ...options,
  broken,
  troubles,
  maxMs: minutes * 60_000,
  tell: verbose === true ? console.error : () => undefined,
});
console.log(describeReport({ seed: options.seed, broken }, report));
process.exitCode = allDifferences(report).length === 0 ? 0 : 1;
