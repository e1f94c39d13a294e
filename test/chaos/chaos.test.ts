import { execFile } from 'node:child_process';
import { describe, expect, test } from 'vitest';

const MINUTE_MS = 60_000;

interface Run {
  readonly exitCode: unknown;
  readonly output: string;
}

/**
 * A share of what `npm run test:chaos` does, all at once: the runs mostly wait for locks to end. Each has a seed of its
 * own, which its output names.
 */
describe.concurrent('a consumer whose processes are killed, paused and cut off', () => {
  test.each(['entity', 'pool'])(
    'keeps its promises on every channel and in tail mode, in the order %s',
    { timeout: 6 * MINUTE_MS },
    async (ordering) => {
      const { exitCode, output } = await runChaos([
        ...['--kills', '9', '--troubles', '3'],
        ...['--ordering', ordering],
      ]);
      console.log(output);
      expect(output).toMatch(/^seed .*, lost 0, duplicated 0, out of order 0, otherwise different 0$/m);
      expect(exitCode).toBe(0);
      expect(countIn(output, 'kills')).toBeGreaterThanOrEqual(8);
      expect(countIn(output, 'in tail mode')).toBeGreaterThan(0);
      expect(countIn(output, 'reindexings')).toBeGreaterThan(0);
      expect(countIn(output, 'trimmed under way')).toBeGreaterThan(0);
      expect(countIn(output, 'handled')).toBeGreaterThan(0);
    },
  );

  /** The checks can fail. */
  test.each(['ledger', 'fence', 'settle', 'order', 'position'])(
    'is found out without %s',
    { timeout: 3 * MINUTE_MS },
    async (mechanism) => {
      const { exitCode, output } = await runChaos(['--kills', '5', '--break', mechanism, '--minutes', '1']);
      expect(output).toMatch(/^statements: .*(lost|duplicated|out of order|different) [1-9]/m);
      expect(exitCode).toBe(1);
    },
  );

  test('is found out without each of progress, groups, acknowledgement and lines', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const broken = ['progress', 'groups', 'acknowledgement', 'lines'];
    const { exitCode, output } = await runChaos(['--kills', '10', '--break', ...broken, '--minutes', '1']);
    expect(output).toMatch(/^search: .*lost [1-9]/m);
    expect(output).toMatch(/^garbage: .*lost [1-9]/m);
    expect(output).toMatch(/^own streams: .*lost [1-9].*out of order [1-9]/m);
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

function countIn(output: string, name: string): number {
  return Number(new RegExp(`${name} (\\d+)`).exec(output)?.[1]);
}
