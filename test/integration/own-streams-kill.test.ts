import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  MAILER,
  ORDERS,
  type OwnStreamScene,
  openOwnStreamScene,
  ownDeadLetters,
} from '../kit/own-stream-scene.ts';
import { type CliRun, runCli } from '../kit/run-cli.ts';

/** Records each number that it handles, and kills the process at the numbers that `kill.json` contains. */
const HANDLER = `
import { appendFileSync, readFileSync } from 'node:fs';
const directory = new URL('.', import.meta.url);
const killAt = JSON.parse(readFileSync(new URL('kill.json', directory), 'utf8'));
export const handler = async ({ Records }) => {
  for (const { body } of Records) {
    const { n } = JSON.parse(body);
    if (killAt.before.includes(n)) process.kill(process.pid, 'SIGKILL');
    appendFileSync(new URL('done.txt', directory), n + '\\n');
    if (killAt.after.includes(n)) process.kill(process.pid, 'SIGKILL');
  }
};
`;

const LOCKS = [`${MAILER}_consumer-1`, 'orm-async-consumer_consumer-1'];

interface KillScene extends OwnStreamScene {
  /** Returns the numbers handled so far, in order. */
  done(): number[];
  /** Runs the drain command, after removing the lock of a killed process. */
  drain(killAt?: { readonly before?: number[]; readonly after?: number[] }): Promise<CliRun>;
}

async function openKillScene(bindingYaml: string): Promise<KillScene> {
  const scene = await openOwnStreamScene();
  const directory = mkdtempSync(join(tmpdir(), 'own-stream-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const write = (name: string, content: string) => writeFileSync(join(directory, name), content);
  write('registry.yaml', scene.registryYaml);
  write('handler.mjs', HANDLER);
  write('done.txt', '');
  write(
    'bindings.yaml',
    `bindings:
  - { stream: ${ORDERS}, group: ${MAILER}, handler: { kind: module, path: ./handler.mjs }, ${bindingYaml} }
`,
  );
  return {
    ...scene,
    done: () => readFileSync(join(directory, 'done.txt'), 'utf8').split('\n').filter(Boolean).map(Number),
    drain: async ({ before = [], after = [] } = {}) => {
      write('kill.json', JSON.stringify({ before, after }));
      await scene.redis.del(...LOCKS);
      const files = [
        '--registry',
        join(directory, 'registry.yaml'),
        '--bindings',
        join(directory, 'bindings.yaml'),
      ];
      return runCli(['drain', '--json', '--budget', '20s', ...files]);
    },
  };
}

test('a kill -9 in the middle of a drain loses no entry: entries in flight are delivered again, one by one', async () => {
  const scene = await openKillScene('batchSize: 5, retries: 5');
  await scene.addMany(30);
  expect(await scene.drain({ before: [7] })).toMatchObject({ signal: 'SIGKILL' });
  expect(scene.done()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(await scene.drain({ after: [18] })).toMatchObject({ signal: 'SIGKILL' });
  const last = await scene.drain();
  expect(last.exitCode).toBe(0);
  expect(JSON.parse(last.stdout)).toMatchObject({ reason: 'drained', complete: true });
  expect([...new Set(scene.done())].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n));
  expect(scene.done().length).toBeLessThanOrEqual(30 + 2 * 5);
  expect(await ownDeadLetters(scene)).toEqual([]);
});

test('deliveries to another consumer do not count as attempts of the handler', async () => {
  const scene = await openKillScene('batchSize: 10, retries: 1');
  const ids = await scene.addMany(20);
  await scene.redis.xgroup('CREATE', ORDERS, MAILER, '0');
  await scene.redis.xreadgroup('GROUP', MAILER, 'consumer-1', 'COUNT', 20, 'STREAMS', ORDERS, '>');
  await scene.redis.call('XCLAIM', ORDERS, MAILER, 'consumer-1', '0', ...ids, 'RETRYCOUNT', '1000', 'JUSTID');
  expect((await scene.drain()).exitCode).toBe(0);
  expect(scene.done()).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(await ownDeadLetters(scene)).toEqual([]);
});

test('an entry that kills the process each time becomes a dead letter after its attempts, and affects no other entry', async () => {
  const scene = await openKillScene('batchSize: 4, retries: 1');
  const ids = await scene.addMany(8);
  const kills: (string | null)[] = [];
  for (let drain = 0; drain < 2; drain++) kills.push((await scene.drain({ before: [2] })).signal);
  expect(kills).toEqual(['SIGKILL', 'SIGKILL']);
  expect((await scene.drain({ before: [2] })).exitCode).toBe(0);
  expect(new Set(scene.done())).toEqual(new Set([0, 1, 3, 4, 5, 6, 7]));
  expect(await ownDeadLetters(scene)).toMatchObject([{ code: 'no-answer', attempts: 2, entry: ids[2] }]);
  expect(await scene.pending()).toEqual({});
});
