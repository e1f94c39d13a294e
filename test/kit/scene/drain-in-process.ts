import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { DrainSummary } from '../../../shared/drain-summary.ts';
import type { Scene } from './scene.ts';

/** The options of a drain that runs in a separate process; it reads them as JSON from standard input. */
export interface DrainProcessOptions {
  readonly registryYaml: string;
  readonly ledgerDatabase: string;
  readonly budgetMs?: number;
  /** The failpoint, such as `poller settled` or `executor committed`, at which the process sends itself SIGKILL. */
  readonly killAt?: string;
  /** The failpoint at which the process prints `paused` and never continues. */
  readonly pauseAt?: string;
  /** The process sends itself SIGKILL instead of executing a statement that contains this word. */
  readonly poisonWord?: string;
}

export interface DrainProcessResult {
  readonly summary: DrainSummary;
  readonly maxMemoryBytes: number;
}

type Options = Omit<DrainProcessOptions, 'registryYaml' | 'ledgerDatabase'>;

/** Runs a drain in a separate process until it exits. Returns undefined if the process was killed. */
export async function drainInProcess(
  scene: Scene,
  options: Options = {},
): Promise<DrainProcessResult | undefined> {
  const child = spawnDrain(scene, options);
  if (child.stdout === null) throw new Error('the drain process has no standard output');
  const [output, [, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return signal === null ? JSON.parse(output) : undefined;
}

/** Resolves when the drain has paused at the failpoint. */
export async function drainUntilPaused(scene: Scene, pauseAt: string): Promise<ChildProcess> {
  const child = spawnDrain(scene, { pauseAt });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

function spawnDrain({ registryYaml, ledgerDatabase }: Scene, options: Options): ChildProcess {
  const child = spawn(process.execPath, [`${import.meta.dirname}/drain-process.ts`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end(JSON.stringify({ ...options, registryYaml, ledgerDatabase }));
  return child;
}
