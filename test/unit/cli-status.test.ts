import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { StatusReply } from '../../shared/operations.ts';
import { runConsumer } from '../kit/cli-program.ts';

const status: StatusReply = {
  pools: [
    { pool: 'default', kind: 'redis' },
    {
      pool: 'default',
      kind: 'mysql',
      failure: {
        stage: 'authentication',
        code: '1045',
        message: 'Access denied',
        nextStep: 'Check the password.',
      },
    },
  ],
  handlers: [],
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
  test('names the stage at which a server failed, shows the remaining entries, and exits with 1', async () => {
    const run = await runConsumer('status --registry REGISTRY', { status: () => Promise.resolve(status) });
    expect(run.stdout).toContain('Redis pool default: reachable');
    expect(run.stdout).toContain(
      'MySQL pool default: failed at authentication: Access denied. Check the password.',
    );
    expect(run.stdout).toMatch(/lazy\s+12\s+\?\s+3\s+61 s/);
    expect(run.exitCode).toBe(1);
  });

  test('names the function of an own stream that cannot be invoked, and exits with 1', async () => {
    const failure = {
      stage: 'permission',
      code: 'AccessDeniedException',
      message: 'the function mailer cannot be invoked',
    } as const;
    const run = await runConsumer('status --registry REGISTRY', {
      status: () =>
        Promise.resolve({
          pools: [],
          handlers: [{ channel: 'changed/h' }, { channel: 'changed/g', failure }],
          channels: [],
        }),
    });
    expect(run.stdout).toContain('Function of changed/h: can be invoked');
    expect(run.stdout).toContain(
      'Function of changed/g: failed at permission: the function mailer cannot be invoked',
    );
    expect(run.exitCode).toBe(1);
  });

  test('accepts bindings of own streams, except for a deployed consumer', async () => {
    const bindings = join(mkdtempSync(join(tmpdir(), 'bindings-')), 'bindings.yaml');
    onTestFinished(() => rmSync(dirname(bindings), { recursive: true }));
    writeFileSync(
      bindings,
      'bindings: [{ stream: changed, group: g, handler: { kind: lambda, functionName: f } }]',
    );
    const { opened } = await runConsumer(`status --registry REGISTRY --bindings ${bindings}`);
    expect(opened[0]?.bindings).toMatchObject([{ stream: 'changed', group: 'g' }]);
    const { stderr } = await runConsumer(`status --function poller --bindings ${bindings}`);
    expect(stderr).toContain("'--bindings <file>' cannot be used with '--function <name>'");
  });

  test('writes one JSON object with --json', async () => {
    const run = await runConsumer('status --registry REGISTRY --json', {
      status: () => Promise.resolve({ ...status, pools: [] }),
    });
    expect(JSON.parse(run.stdout)).toEqual({ ...status, pools: [] });
    expect(run.exitCode).toBe(0);
  });

  test.each(['status', 'drain', 'dead-letters list'])(
    '%s requires a registry or a function',
    async (command) => {
      const { exitCode, stderr } = await runConsumer(command);
      expect(exitCode).toBe(1);
      expect(stderr).toContain("option '--registry <file>' or '--function <name>' is required");
    },
  );

  test.each(['drain --ordering pool', 'drain --lazy-concurrency 2', 'status --ledger-database x'])(
    '%s is rejected for a deployed consumer, which uses its deployed settings',
    async (command) => {
      const { exitCode, stderr } = await runConsumer(`${command} --function poller`);
      expect(exitCode).toBe(1);
      expect(stderr).toContain("cannot be used with '--function <name>'");
    },
  );

  test('accepts a registry or a function, not both', async () => {
    const { exitCode, stderr } = await runConsumer('status --registry REGISTRY --function poller');
    expect(exitCode).toBe(1);
    expect(stderr).toContain("'--function <name>' cannot be used with option '--registry <file>'");
  });
});
