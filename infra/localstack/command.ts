import { Command } from 'commander';
import { formatReport } from '../local/demo/report.ts';
import { listenForInterruption, reportError } from '../local/interruption.ts';
import { describeEnd, describeUse } from './describe-demo.ts';
import { StageBuilder } from './deployed-demo.ts';
import { hasBegun, isDrained, Watch } from './watch.ts';

/** Functions' own words come when their invocation has ended, a little after its work is done. */
const LAST_WORDS_MS = 2000;

interface LocalStackOptions {
  readonly keep: boolean;
}

/** Builds the stage and shows how it is drained; then it stays up until Ctrl-C, or outlives this program. */
async function run({ keep }: LocalStackOptions, interruption: AbortSignal): Promise<void> {
  const builder = new StageBuilder();
  let isKept = false;
  try {
    const stage = await builder.build({ say: console.log, signal: interruption });
    const watch = new Watch(stage, console.log);
    await showDrain(watch, interruption);
    console.log(describeUse(stage));
    if (keep) {
      builder.release();
      isKept = true;
      console.log(describeEnd(stage));
    } else await stayUp(watch, interruption);
  } finally {
    if (!isKept) await builder.takeDown(console.log);
  }
}

async function showDrain(watch: Watch, interruption: AbortSignal): Promise<void> {
  console.log('The rule of the schedule runs the poller each minute, for the first time within a minute…\n');
  const before = await watch.until(() => true, interruption);
  await watch.until(hasBegun, interruption);
  const startedAt = performance.now();
  const after = await watch.until(isDrained, interruption);
  const endedAt = performance.now();
  await watch.until(() => performance.now() > endedAt + LAST_WORDS_MS, interruption);
  const report = {
    streamsBefore: before.streams,
    streamsAfter: after.streams,
    rowsBefore: before.rows,
    rowsAfter: after.rows,
    drainSeconds: (endedAt - startedAt) / 1000,
  };
  console.log(formatReport(report));
}

/** What comes now is the user's doing, and the schedule's. Ctrl-C is then no failure. */
async function stayUp(watch: Watch, interruption: AbortSignal): Promise<void> {
  console.log('It stays up, and what happens is shown here, until Ctrl-C.\n');
  await watch
    .until(() => interruption.aborted, interruption)
    .catch((error: unknown) => {
      if (!interruption.aborted) throw error;
    });
  process.exitCode = 0;
}

const command = new Command('localstack')
  .description(
    'Deploys the stack with `cdk deploy` on a LocalStack of its own, with a Redis and a MariaDB that hold recorded ' +
      'streams, and shows how the schedule drains them. Ctrl-C takes everything down.',
  )
  .option('--keep', 'leave everything running, and print how to use it and how to end it', false)
  .addHelpText(
    'after',
    '\nLocalStack is installed once, into ~/.cache/background-consumer, which takes a minute. It needs Python 3.12\n' +
      'or 3.13 (on the PATH or under pyenv), else a running Docker.',
  )
  .parse();
const interruption = listenForInterruption();
try {
  await run(command.opts<LocalStackOptions>(), interruption);
} catch (error) {
  if (interruption.aborted) console.error('Interrupted. Nothing is left running.');
  else reportError(error);
}
