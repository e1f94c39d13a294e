import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';

const EXAMPLE = new URL('../../examples/own-stream/try.ts', import.meta.url).pathname;

test('the example sends the mails of each order in order, and the one without an address becomes a dead letter', async () => {
  const child = spawn(process.execPath, [EXAMPLE], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  expect(exitCode).toBe(0);
  const mails = [...stderr.matchAll(/^mail \S+: (.*)$/gm)].map(([, mail]) => mail);
  expect(mails.filter((mail) => mail?.startsWith('order 7 '))).toEqual([
    'order 7 placed (attempt 1)',
    'order 7 changed (attempt 1)',
  ]);
  expect(mails).toContain('order 9223372036854775807 cancelled (attempt 1)');
  expect(stdout).toMatch(/^order-changed\/mailer +5 /m);
  expect(stdout).toMatch(/no entries remain\. 1 dead letter/);
  expect(stdout).toMatch(/^order-changed {2}\S+ {2}\S+ {2}handler-failed {2}3 attempts/m);
});
