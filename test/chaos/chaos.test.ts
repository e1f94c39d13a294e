import { execFile } from 'node:child_process';
import { describe, expect, test } from 'vitest';

const MINUTE_MS = 60_000;

/** One fault of each of these kinds happens in the run with this ordering. */
const FAULTS = { entity: ['pause', 'network'], pool: ['invocations', 'restart'] };

/**
 * So does one of each of these kinds: what other programs and operators do. A kind that the consumer does not withstand
 * yet can be removed here.
 */
const FOREIGN_FAULTS = {
  entity: ['acl', 'delivery-counts', 'locks', 'assigned-ids'],
  pool: ['server-errors', 'redrives', 'lost-second', 'set-back'],
};

interface Run {
  readonly exitCode: unknown;
  readonly output: string;
}

/**
 * Shorter versions of `npm run test:chaos`. They run concurrently, because they mostly wait for locks to expire. Each
 * run has its own seed, which its output names.
 */
describe.concurrent('a consumer whose processes are killed, paused and disconnected', () => {
  test.each(['entity', 'pool'] as const)(
    'loses, duplicates and reorders nothing on any channel or in tail mode, with ordering %s',
    { timeout: 6 * MINUTE_MS },
    async (ordering) => {
      const faults = [...FAULTS[ordering], ...FOREIGN_FAULTS[ordering]];
      const { exitCode, output } = await runChaos([
        ...['--kills', '9', '--faults', faults.join(), '--max-faults', String(faults.length)],
        ...['--ordering', ordering],
      ]);
      console.log(output);
      expect(output).toMatch(/^seed .*, lost 0, duplicated 0, out of order 0, other differences 0$/m);
      expect(exitCode).toBe(0);
      expect(countIn(output, 'kills')).toBeGreaterThanOrEqual(8);
      expect(countIn(output, 'in tail mode')).toBeGreaterThan(0);
      expect(countIn(output, 'reindexings')).toBeGreaterThan(0);
      expect(countIn(output, 'trimmed during the run')).toBeGreaterThan(0);
      expect(countIn(output, 'handled')).toBeGreaterThan(0);
    },
  );

  /** Proves that the checks can fail. */
  test.each(['ledger', 'fence', 'settle', 'order', 'position'])(
    'fails the checks without the safeguard %s',
    { timeout: 3 * MINUTE_MS },
    async (safeguard) => {
      const { exitCode, output } = await runChaos(['--kills', '5', '--break', safeguard, '--minutes', '1']);
      expect(output).toMatch(/^statements: .*(lost|duplicated|out of order|other differences) [1-9]/m);
      expect(exitCode).toBe(1);
    },
  );

  test('fails the checks of each channel without the safeguards progress, groups, acknowledgement and lines', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const broken = ['progress', 'groups', 'acknowledgement', 'lines'];
    const { exitCode, output } = await runChaos(['--kills', '10', '--break', ...broken, '--minutes', '1']);
    expect(output).toMatch(/^search: .*lost [1-9]/m);
    expect(output).toMatch(/^garbage: .*lost [1-9]/m);
    expect(output).toMatch(/^own streams: .*lost [1-9].*out of order [1-9]/m);
    expect(exitCode).toBe(1);
  });

  test.each(['foreign-counts', 'errors-permanent'])(
    'fails the checks of counters without the safeguards rewind and %s',
    {
      timeout: 3 * MINUTE_MS,
    },
    async (losing) => {
      const broken = ['rewind', losing];
      const { exitCode, output } = await runChaos(['--kills', '3', '--break', ...broken, '--minutes', '1']);
      expect(output).toMatch(/^counters: .*lost [1-9].*duplicated [1-9]/m);
      expect(exitCode).toBe(1);
    },
  );

  test('fails the checks without the safeguards ack-first, redrive-whole and predicted-id', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const broken = ['ack-first', 'redrive-whole', 'predicted-id'];
    const { exitCode, output } = await runChaos(['--kills', '3', '--break', ...broken, '--minutes', '1']);
    expect(output).toMatch(/^statements: .*lost [1-9]/m);
    expect(output).toMatch(/^repairs: .*duplicated [1-9]/m);
    expect(output).toMatch(/^tickets: .*other differences [1-9]/m);
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
