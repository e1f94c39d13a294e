import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, inject, onTestFinished, test } from 'vitest';

const COMMAND = new URL('../../../infra/localstack/command.ts', import.meta.url).pathname;

describe.skipIf(inject('localStack') === undefined)('npm run localstack', () => {
  test('shows how the schedule drains the streams, and leaves nothing behind after Ctrl-C', async () => {
    const { output, end } = startCommand();
    await expect.poll(output, { timeout: 300_000, interval: 500 }).toContain('until Ctrl-C.');
    expect(output()).toMatch(/redis +orm-lazy-channel: [\d,]+ unread, [\d,]+ pending/);
    expect(output()).toMatch(/mysql +Plain row 1: Name changed/);
    expect(output()).toMatch(/letters +orm-lazy-channel [\d-]+: 1062 Duplicate entry/);
    expect(output()).toMatch(/poller +drained complete: true/);
    expect(output()).toMatch(/executor +[\d,]+ invocations/);
    expect(output()).toContain('No entries remain; 1 dead letter.');
    const endpoint = /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0] ?? '';
    expect((await fetch(`${endpoint}/_localstack/health`)).ok).toBe(true);
    expect(await end('SIGINT')).toEqual({ exitCode: 0, remainingFiles: [] });
    await expect(fetch(`${endpoint}/_localstack/health`)).rejects.toThrow();
  });

  test('leaves nothing behind after Ctrl-C during the deployment', async () => {
    const { output, end } = startCommand();
    await expect.poll(output, { timeout: 120_000, interval: 100 }).toContain('cdk deploy');
    expect(await end('SIGINT')).toEqual({ exitCode: 130, remainingFiles: [] });
  });
});

/** Starts the command with its own directory for temporary files. */
function startCommand() {
  const directory = mkdtempSync(`${tmpdir()}/localstack-command-`);
  const child = spawn(process.execPath, [COMMAND], {
    env: { ...process.env, TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
  });
  return {
    output: () => text,
    end: async (signal: NodeJS.Signals) => {
      child.kill(signal);
      const [exitCode] = await once(child, 'exit');
      return { exitCode, remainingFiles: readdirSync(directory) };
    },
  };
}
