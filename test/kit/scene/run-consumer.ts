import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Scene } from './scene.ts';

export interface ConsumerRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `consumer …` with the scene's registry in a separate process. */
export function runConsumer(scene: Scene, ...commandLine: string[]): Promise<ConsumerRun> {
  return runConsumerIn({}, scene, ...commandLine);
}

/** Runs `consumer …` with additional environment variables. */
export function runConsumerIn(
  environment: Readonly<Record<string, string>>,
  scene: Scene,
  ...commandLine: string[]
): Promise<ConsumerRun> {
  const directory = mkdtempSync(join(tmpdir(), 'scene-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const registry = join(directory, 'registry.yaml');
  writeFileSync(registry, scene.registryYaml);
  const program = `${import.meta.dirname}/../../../cli/main.ts`;
  const settings = ['--registry', registry, '--ledger-database', scene.ledgerDatabase];
  return new Promise((resolve) => {
    const env = { ...process.env, ...environment };
    execFile(process.execPath, [program, ...commandLine, ...settings], { env }, (error, stdout, stderr) => {
      resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}
