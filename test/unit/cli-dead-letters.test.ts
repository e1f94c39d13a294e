import { describe, expect, it } from 'vitest';
import { NOTHING_APPLIED } from '../../functions/poller/settlement/dead-letter-entry.ts';
import { bytesToBinary, textToBinary } from '../../shared/binary-string.ts';
import type { DeadLetter, DeadLetterFilter } from '../../shared/dead-letter.ts';
import { runConsumer } from '../kit/cli-program.ts';

const LETTER: DeadLetter = {
  stream: 'orm-lazy-channel',
  id: '1700000000000-1',
  entry: '1600000000000-0',
  group: 'orm-async-consumer',
  code: '1062',
  message: "Duplicate entry '\u001b[2J' for key 'Email'",
  attempts: 2,
  failedAt: '2026-01-02T03:04:05.678Z',
  unapplied: { ...NOTHING_APPLIED, all: false, statements: [0, 2], cacheKeys: [1] },
  original: [
    // {"o": "i"}
    [textToBinary('s'), bytesToBinary(Uint8Array.of(0x81, 0xa1, 0x6f, 0xa1, 0x69))],
    [textToBinary('tag'), textToBinary('text')],
    [textToBinary('raw'), bytesToBinary(Uint8Array.of(0xff, 0xfe))],
  ],
};

async function run(commandLine: string, letters: readonly DeadLetter[] = [LETTER]) {
  const filters: DeadLetterFilter[] = [];
  const result = await runConsumer(
    `dead-letters ${commandLine}`.replace(/^(\S+ \S+)/, '$1 --registry REGISTRY'),
    {
      deadLetters: {
        list: async function* (filter) {
          filters.push(filter);
          yield* letters;
        },
        redrive: async (filter) => {
          filters.push(filter);
          return { redriven: letters.length };
        },
        discard: async (filter) => {
          filters.push(filter);
          return { discarded: letters.length };
        },
      },
    },
  );
  return { ...result, filters };
}

describe('consumer dead-letters', () => {
  it('lists one per line, with control characters escaped', async () => {
    const { exitCode, stdout } = await run('list');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      'orm-lazy-channel  1700000000000-1  2026-01-02T03:04:05.678Z  1062  2 attempts  ' +
        "Duplicate entry '\\u001b[2J' for key 'Email'\n1 dead letter.\n",
    );
  });

  it('lists all as one JSON object', async () => {
    const { original: _, ...facts } = LETTER;
    expect(JSON.parse((await run('list --json', [LETTER, LETTER])).stdout)).toEqual({
      deadLetters: [facts, facts],
    });
    expect(JSON.parse((await run('list --json', [])).stdout)).toEqual({ deadLetters: [] });
  });

  it.each([
    ['list', {}],
    ['list --all', {}],
    ['list --stream orm-log-channel:dead-letters', { stream: 'orm-log-channel' }],
    ['list --code undecodable', { code: 'undecodable' }],
    ['redrive --all', {}],
    ['redrive --stream changed --code 1062', { stream: 'changed', code: '1062' }],
    ['redrive --id 1-0', { id: '1-0' }],
    ['discard --id 1-0 --stream changed', { id: '1-0', stream: 'changed' }],
  ])('selects by options: %s', async (commandLine, filter) => {
    const { exitCode, filters } = await run(commandLine);
    expect({ exitCode, filters }).toEqual({ exitCode: 0, filters: [filter] });
  });

  it('reports how many were redriven or discarded', async () => {
    expect((await run('redrive --all')).stdout).toBe('1 dead letter redriven.\n');
    expect((await run('discard --all', [LETTER, LETTER])).stdout).toBe('2 dead letters discarded.\n');
    expect(JSON.parse((await run('redrive --all --json')).stdout)).toEqual({ redriven: 1 });
    expect(JSON.parse((await run('discard --all --json', [])).stdout)).toEqual({ discarded: 0 });
  });

  it('shows one in full, with the fields of its entry', async () => {
    const { stdout } = await run('show --id 1700000000000-1');
    expect(stdout).toContain('entry id      1600000000000-0\n');
    expect(stdout).toContain('remaining     statements 0, 2; cache keys 1\n');
    const whole = await run('show --id 1-0', [{ ...LETTER, unapplied: NOTHING_APPLIED }]);
    expect(whole.stdout).toContain('remaining     everything\n');
    expect(stdout).toContain('original.s    {"o":"i"}\n');
    expect(stdout).toContain('original.tag  text\n');
    expect(stdout).toContain('original.raw  //4=\n');
  });

  it('shows one in full as JSON, with its bytes as base64', async () => {
    expect(JSON.parse((await run('show --id 1700000000000-1 --json')).stdout)).toEqual({
      ...LETTER,
      original: { s: 'gaFvoWk=', tag: 'dGV4dA==', raw: '//4=' },
    });
  });

  it('reports an id without a match as an error', async () => {
    for (const command of ['show', 'redrive', 'discard']) {
      const { exitCode, stderr } = await run(`${command} --id 9-9`, []);
      expect(exitCode).toBe(1);
      expect(stderr).toBe(
        'error: none of the selected dead letters has the id 9-9. Run `dead-letters list` to see the ids.\n',
      );
    }
  });

  it('asks for the stream if two streams have the same id', async () => {
    const { exitCode, stderr } = await run('show --id 1-0', [LETTER, { ...LETTER, stream: 'changed' }]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Specify --stream as well: orm-lazy-channel or changed.');
  });
});
