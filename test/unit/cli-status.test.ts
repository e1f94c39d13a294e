import { describe, expect, test } from 'vitest';
import type { StatusReply } from '../../shared/operations.ts';
import { runConsumer } from '../kit/cli-program.ts';

const status: StatusReply = {
  pools: [
    { pool: 'default', kind: 'redis' },
    {
      pool: 'default',
      kind: 'mysql',
      failure: {
        hop: 'authentication',
        code: '1045',
        message: 'Access denied',
        nextStep: 'Check the password.',
      },
    },
  ],
  channels: [
    {
      channel: 'lazy',
      stream: 'orm-lazy-channel',
      group: 'orm-async-consumer',
      pending: 12,
      backlog: null,
      deadLetters: 3,
      oldestAgeSeconds: 61.4,
    },
  ],
};

describe('consumer status', () => {
  test('names the hop at which a server fails, shows what is left, and exits 1', async () => {
    const run = await runConsumer('status --registry REGISTRY', { status: () => Promise.resolve(status) });
    expect(run.stdout).toContain('Redis pool default: answers');
    expect(run.stdout).toContain(
      'MySQL pool default: fails at authentication: Access denied. Check the password.',
    );
    expect(run.stdout).toMatch(/lazy\s+12\s+\?\s+3\s+61 s/);
    expect(run.exitCode).toBe(1);
  });

  test('writes one JSON object with --json', async () => {
    const run = await runConsumer('status --registry REGISTRY --json', {
      status: () => Promise.resolve({ ...status, pools: [] }),
    });
    expect(JSON.parse(run.stdout)).toEqual({ ...status, pools: [] });
    expect(run.exitCode).toBe(0);
  });

  test.each(['status', 'drain', 'dead-letters list'])(
    '%s needs a registry or a function',
    async (command) => {
      const { exitCode, stderr } = await runConsumer(command);
      expect(exitCode).toBe(1);
      expect(stderr).toContain("'--registry <file>' not specified, nor '--function <name>'");
    },
  );

  test('takes a registry or a function, not both', async () => {
    const { exitCode, stderr } = await runConsumer('status --registry REGISTRY --function poller');
    expect(exitCode).toBe(1);
    expect(stderr).toContain("'--function <name>' cannot be used with option '--registry <file>'");
  });
});
