import { execFile } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { MECHANISMS } from './orders.ts';

const MINUTE_MS = 60_000;

interface Run {
  readonly exitCode: unknown;
  readonly output: string;
}

/** A share of what `npm run test:chaos` does. Each run has a seed of its own, which its output names. */
describe('a consumer whose processes are killed, paused and cut off', () => {
  test.concurrent.each(['entity', 'pool'])(
    'does everything once, in the order %s',
    { timeout: 6 * MINUTE_MS },
    async (ordering) => {
      const { exitCode, output } = await runChaos(['--kills', '76', '--ordering', ordering]);
      console.log(output);
      expect(output).toContain('lost 0, doubled 0, out of order 0, otherwise different 0');
      expect(exitCode).toBe(0);
      expect(killsIn(output)).toBeGreaterThanOrEqual(75);
    },
  );
});

/** The checks can fail. */
describe('a consumer without', () => {
  test.concurrent.each(MECHANISMS)('%s is found out', { timeout: 3 * MINUTE_MS }, async (mechanism) => {
    const { exitCode, output } = await runChaos(['--kills', '8', '--break', mechanism, '--minutes', '1']);
    expect(output).toMatch(/(lost|doubled|out of order) [1-9]/);
    expect(exitCode).toBe(1);
  });
});

function runChaos(parameters: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    const program = `${import.meta.dirname}/run.ts`;
    execFile(process.execPath, [program, ...parameters], (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : error.code, output: stdout + stderr });
    });
  });
}

function killsIn(output: string): number {
  return Number(/kills (\d+)/.exec(output)?.[1]);
}
