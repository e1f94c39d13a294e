import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { DrainSummary } from '../../../shared/drain-summary.ts';
import type { Scene } from './scene.ts';

/** What a drain in a process of its own is told. */
export interface DrainOrders {
  readonly registryYaml: string;
  readonly ledgerDatabase: string;
  readonly budgetMs?: number;
  /** `poller settled`, `executor committed` …: where the process ends itself with SIGKILL. */
  readonly killAt?: string;
  /** Where it says `standing still`, and does so. */
  readonly standStillAt?: string;
  /** It ends itself with SIGKILL when it is to execute a statement with this word. */
  readonly killerWord?: string;
}

export interface DrainProcessResult {
  readonly summary: DrainSummary;
  readonly maxMemoryBytes: number;
}

type Orders = Omit<DrainOrders, 'registryYaml' | 'ledgerDatabase'>;

/** Runs a drain in a process of its own to its end. Undefined: it was killed. */
export async function drainInProcess(
  scene: Scene,
  orders: Orders = {},
): Promise<DrainProcessResult | undefined> {
  const child = spawnDrain(scene, orders);
  if (child.stdout === null) throw new Error('no output');
  const [output, [, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return signal === null ? JSON.parse(output) : undefined;
}

/** Resolves once the drain stands still where its orders say. */
export async function drainUntilStandingStill(scene: Scene, standStillAt: string): Promise<ChildProcess> {
  const child = spawnDrain(scene, { standStillAt });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

function spawnDrain({ registryYaml, ledgerDatabase }: Scene, orders: Orders): ChildProcess {
  const child = spawn(process.execPath, [`${import.meta.dirname}/drain-process.ts`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end(JSON.stringify({ ...orders, registryYaml, ledgerDatabase }));
  return child;
}
