import { Command, InvalidArgumentError, Option } from 'commander';
import { type ChaosOptions, runChaos } from './chaos.ts';
import { MECHANISMS } from './orders.ts';
import { describeReport } from './report.ts';

interface CommandOptions {
  readonly kills: number;
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

const command = new Command('test:chaos')
  .description(
    'Drains a generated history with real processes on servers of its own, kills them, cuts their connections, ' +
      'restarts the servers, and compares the outcome with a serial application of the same entries. ' +
      'Exits with 1 where they differ.',
  )
  .option('--kills <count>', 'processes to kill', parseCount, 150)
  .option(
    '--seed <number>',
    'of the history and the troubles, to replay a run',
    parseCount,
    Date.now() % 1_000_000,
  )
  .addOption(
    new Option('--break <mechanism>', 'switch a mechanism off; differences must be found').choices(
      MECHANISMS,
    ),
  )
  .addOption(new Option('--ordering <ordering>').choices(['entity', 'pool']).default('entity'))
  .option('--minutes <number>', 'begin nothing new after this time', parseMinutes, 10)
  .option('--verbose', 'tell each trouble and what the consumers say')
  .parse();

const { kills, seed, ordering, minutes, verbose, break: broken = null } = command.opts<CommandOptions>();
const report = await runChaos({
  kills,
  seed,
  ordering,
  broken,
  mostMs: minutes * 60_000,
  tell: verbose === true ? console.error : () => undefined,
});
console.log(describeReport({ seed, broken }, report));
process.exitCode = report.differences.length === 0 ? 0 : 1;
