import { Command } from 'commander';
import { formatReport } from '../local/demo/report.ts';

import { listenForInterruption, reportError } from '../local/servers/interruption.ts';
import { DemoBuilder } from './deployed-demo.ts';
import { describeStop, describeUse } from './describe-demo.ts';
import { hasStarted, isDrained, Watch } from './watch.ts';

/** LocalStack delivers the log of an invocation only after its end, a little later than its effects are visible. */
const LOG_DELAY_MS = 2000;

interface LocalStackOptions {
  readonly keep: boolean;
}

/** Builds the demo and shows how it is drained. Then the demo runs until Ctrl-C or, with `--keep`, on its own. */
async function run({ keep }: LocalStackOptions, interruption: AbortSignal): Promise<void> {
  const builder = new DemoBuilder();
  let isKept = false;
  try {
    const demo = await builder.build({ print: console.log, signal: interruption });
    const watch = new Watch(demo, console.log);
    await showDrain(watch, interruption);
    console.log(describeUse(demo));
    if (keep) {
      builder.release();
      isKept = true;
      console.log(describeStop(demo));
    } else await stayUp(watch, interruption);
  } finally {
    if (!isKept) await builder.takeDown(console.log);
  }
}

async function showDrain(watch: Watch, interruption: AbortSignal): Promise<void> {
  console.log('The schedule runs the poller every minute. The first run starts within a minute…\n');
  const before = await watch.waitUntil(() => true, interruption);
  await watch.waitUntil(hasStarted, interruption);
  const startedAt = performance.now();
  const after = await watch.waitUntil(isDrained, interruption);
  const endedAt = performance.now();
  await watch.waitUntil(() => performance.now() > endedAt + LOG_DELAY_MS, interruption);
  const report = {
    streamsBefore: before.streams,
    streamsAfter: after.streams,
    rowsBefore: before.rows,
    rowsAfter: after.rows,
    drainSeconds: (endedAt - startedAt) / 1000,
  };
  console.log(formatReport(report));
}

/** Shows what the user and the schedule do from now on. A Ctrl-C is no longer a failure. */
async function stayUp(watch: Watch, interruption: AbortSignal): Promise<void> {
  console.log('Everything stays up, and changes are shown here, until Ctrl-C.\n');
  await watch
    .waitUntil(() => interruption.aborted, interruption)
    .catch((error: unknown) => {
      if (!interruption.aborted) throw error;
    });
  process.exitCode = 0;
}

const command = new Command('localstack')
  .description(
    'Deploys the stack with `cdk deploy` to its own LocalStack, with a Redis and a MariaDB that contain recorded ' +
      'streams, and shows how the schedule drains them. Ctrl-C stops everything.',
  )
  .option('--keep', 'leave everything running, and print how to use it and how to stop it', false)
  .addHelpText(
    'after',
    '\nLocalStack is installed once into ~/.cache/background-consumer, which takes about a minute. It needs Python 3.12\n' +
      'or 3.13 (on the PATH or under pyenv), or a running Docker daemon.',
  )
  .parse();
const interruption = listenForInterruption();
try {
  await run(command.opts<LocalStackOptions>(), interruption);
} catch (error) {
  if (interruption.aborted) console.error('Interrupted. Nothing is left running.');
  else reportError(error);
}
