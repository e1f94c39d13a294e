import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Consumer, ConsumerOptions } from '../../cli/consumer/consumer.ts';
import type { Output } from '../../cli/context.ts';
import { runProgram } from '../../cli/program.ts';
import type { DeadLetterOperations } from '../../shared/dead-letter.ts';
import type { ChannelSummary, DrainSummary } from '../../shared/drain-summary.ts';

const REGISTRY = 'default: { redis: "localhost:6379", mysql: "u:p@/app", streams: { changed: [g] } }\n';

/** The result of a command line. */
export interface ProgramRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The options with which consumers were opened. */
  readonly opened: readonly ConsumerOptions[];
  readonly exitedNow: readonly number[];
}

export interface ProgramSetting {
  /** Replaces the drain of the consumer. */
  readonly drain?: Consumer['drain'];
  readonly deadLetters?: Partial<DeadLetterOperations>;
  readonly status?: Consumer['status'];
  readonly open?: () => void;
  readonly signals?: EventEmitter;
  readonly isTerminal?: boolean;
}

/** Runs the command line in this process. The argument `REGISTRY` is replaced with the path of a valid registry. */
export async function runConsumer(commandLine: string, setting: ProgramSetting = {}): Promise<ProgramRun> {
  const directory = mkdtempSync(join(tmpdir(), 'consumer-'));
  const registry = join(directory, 'registry.yaml');
  writeFileSync(registry, REGISTRY);
  const [stdout, stderr] = [collect(setting), collect(setting)];
  const opened: ConsumerOptions[] = [];
  const exitedNow: number[] = [];
  try {
    const exitCode = await runProgram(
      commandLine.split(' ').map((word) => word.replace('REGISTRY', registry)),
      {
        stdout: stdout.output,
        stderr: stderr.output,
        signals: setting.signals ?? new EventEmitter(),
        exitNow: (code) => exitedNow.push(code),
        openConsumer: async (options) => {
          opened.push(options);
          setting.open?.();
          return consumer(setting);
        },
      },
    );
    return { exitCode, stdout: stdout.text(), stderr: stderr.text(), opened, exitedNow };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function consumer({ drain, deadLetters, status }: ProgramSetting): Consumer {
  return {
    drain: drain ?? (async () => summary()),
    deadLetters: {
      list: async function* () {},
      redrive: async () => ({ redriven: 0 }),
      discard: async () => ({ discarded: 0 }),
      ...deadLetters,
    },
    status: status ?? (async () => ({ pools: [], handlers: [], channels: [] })),
    close: async () => {},
  };
}

function collect({ isTerminal = false }: ProgramSetting): { output: Output; text: () => string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return {
    output: Object.assign(stream, { isTTY: isTerminal, columns: 120 }),
    text: () => Buffer.concat(chunks).toString(),
  };
}

export function channel(values: Partial<ChannelSummary> = {}): ChannelSummary {
  return {
    stream: 'orm-lazy-channel',
    entries: 0,
    statements: 0,
    logRows: 0,
    dirtyEvents: 0,
    cacheKeys: 0,
    failed: 0,
    deadLetters: 0,
    pending: 0,
    backlog: 0,
    ...values,
  };
}

export function summary(values: Partial<DrainSummary> = {}): DrainSummary {
  const complete = values.reason === undefined || values.reason === 'drained';
  return {
    complete,
    reason: 'drained',
    seconds: 1.5,
    channels: { lazy: channel({ entries: 3 }) },
    ...values,
  };
}
