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

/** Starts the servers, drains the streams and prints a report. Resolves to the exit code of the drain. */
async function runDemo({ keep }: DemoOptions, interruption: AbortSignal): Promise<number> {
  console.log('Starting Redis and MariaDB…');
  const servers = await startDemoServers();
  let isKept = false;
  try {
    interruption.throwIfAborted();
    console.log(`Loading recorded streams and a backlog of ${BACKLOG_ENTRIES.toLocaleString('en')} entries…`);
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
  const address = redisAddressOf(servers, 'default');
  const rowsBefore = await readRowSamples(servers.mysql);
  const streamsBefore = await readStreamStates(address);
  const startedAtMs = performance.now();
  const exitCode = await drain(registryFile, interruption);
  const drainSeconds = (performance.now() - startedAtMs) / 1000;
  interruption.throwIfAborted();
  const rowsAfter = await readRowSamples(servers.mysql);
  const streamsAfter = await readStreamStates(address);
  console.log(formatReport({ streamsBefore, streamsAfter, rowsBefore, rowsAfter, drainSeconds }));
  return exitCode;
}

/** Runs the command line as a user would, with live progress. Resolves to its exit code. */
async function drain(registryFile: string, interruption: AbortSignal): Promise<number> {
  console.log('Draining the streams with `consumer drain`…\n');
  const program = `${import.meta.dirname}/../../cli/main.ts`;
  const consumer = spawn(
    process.execPath,
    [program, 'drain', '--registry', registryFile, '--budget', '300s'],
    {
      stdio: 'inherit',
    },
  );
  const forwardAbort = (): boolean => consumer.kill('SIGTERM');
  interruption.addEventListener('abort', forwardAbort);
  const [code] = await once(consumer, 'exit');
  interruption.removeEventListener('abort', forwardAbort);
  return typeof code === 'number' ? code : 1;
}

const command = new Command('demo')
  .description(
    'Starts temporary Redis and MariaDB servers, loads recorded streams and a backlog, and drains them.',
  )
  .option('--keep', 'keep the servers running, and print commands to inspect them', false)
  .parse();
const interruption = listenForInterruption();
try {
  process.exitCode = await runDemo(command.opts<DemoOptions>(), interruption);
} catch (error) {
  if (interruption.aborted) console.error('Interrupted. The servers have been stopped.');
  else reportError(error);
}
