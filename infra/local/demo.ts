import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Command } from 'commander';
import { addBacklog } from './demo/backlog.ts';
import {
  type DemoServers,
  describeKeptServers,
  loadDemoRecording,
  redisAddressOf,
  releaseDemoServers,
  startDemoServers,
  stopDemoServers,
} from './demo/demo-servers.ts';
import { formatReport } from './demo/report.ts';
import { readRowSamples } from './demo/row-samples.ts';
import { readStreamStates } from './demo/stream-states.ts';
import { listenForInterruption, reportError } from './servers/interruption.ts';

const BACKLOG_ENTRIES = 20_000;

interface DemoOptions {
  readonly keep: boolean;
}

/** Starts servers, drains, reports. Resolves to the exit code: that of the drain, or of the signal that ended it. */
async function runDemo({ keep }: DemoOptions, interruption: AbortSignal): Promise<number> {
  console.log('Starting Redis and MariaDB…');
  const servers = await startDemoServers();
  let isKept = false;
  try {
    interruption.throwIfAborted();
    console.log(
      `Loading recorded streams, and a backlog of ${BACKLOG_ENTRIES.toLocaleString('en')} entries…`,
    );
    const registryFile = await loadDemoRecording(servers);
    await addBacklog(redisAddressOf(servers, 'default'), BACKLOG_ENTRIES);
    interruption.throwIfAborted();
    const exitCode = await drainAndReport(servers, registryFile, interruption);
    if (keep) {
      releaseDemoServers(servers);
      isKept = true;
      console.log(describeKeptServers(servers, registryFile));
    }
    return exitCode;
  } finally {
    if (!isKept) await stopDemoServers(servers);
  }
}

async function drainAndReport(
  servers: DemoServers,
  registryFile: string,
  interruption: AbortSignal,
): Promise<number> {
  const place = redisAddressOf(servers, 'default');
  const rowsBefore = await readRowSamples(servers.mysql);
  const streamsBefore = await readStreamStates(place);
  const startedAtMs = performance.now();
  const exitCode = await drain(registryFile, interruption);
  const drainSeconds = (performance.now() - startedAtMs) / 1000;
  interruption.throwIfAborted();
  const rowsAfter = await readRowSamples(servers.mysql);
  const streamsAfter = await readStreamStates(place);
  console.log(formatReport({ streamsBefore, streamsAfter, rowsBefore, rowsAfter, drainSeconds }));
  return exitCode;
}

/** Runs the command line, as a user would, with its live progress. Resolves to its exit code. */
async function drain(registryFile: string, interruption: AbortSignal): Promise<number> {
  console.log('Draining them with `consumer drain`…\n');
  const program = `${import.meta.dirname}/../../cli/main.ts`;
  const consumer = spawn(
    process.execPath,
    [program, 'drain', '--registry', registryFile, '--budget', '300s'],
    {
      stdio: 'inherit',
    },
  );
  const passOn = (): boolean => consumer.kill('SIGTERM');
  interruption.addEventListener('abort', passOn);
  const [code] = await once(consumer, 'exit');
  interruption.removeEventListener('abort', passOn);
  return typeof code === 'number' ? code : 1;
}

const command = new Command('demo')
  .description(
    'Starts a Redis and a MariaDB of its own, fills them with recorded streams and a backlog, drains it.',
  )
  .option('--keep', 'leave the servers running and print commands to look around', false)
  .parse();
const interruption = listenForInterruption();
try {
  process.exitCode = await runDemo(command.opts<DemoOptions>(), interruption);
} catch (error) {
  if (interruption.aborted) console.error('Interrupted. The servers are stopped.');
  else reportError(error);
}
