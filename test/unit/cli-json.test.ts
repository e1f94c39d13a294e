import { describe, expect, it } from 'vitest';
import type { DeadLetter } from '../../shared/dead-letter.ts';
import { ConfigurationError, ConnectionError } from '../../shared/errors.ts';
import { type ProgramSetting, runConsumer } from '../kit/cli-program.ts';

const FAILURE = new ConnectionError('redis-unreachable', 'Redis cannot be reached', {
  nextStep: 'Start Redis.',
});

const REPORTED = {
  error: { code: 'redis-unreachable', message: 'Redis cannot be reached', nextStep: 'Start Redis.' },
};

const COMMANDS = ['drain', 'run', 'status', 'dead-letters list', 'dead-letters redrive --all'];

const fail = () => {
  throw FAILURE;
};

const failing: ProgramSetting = {
  drain: async () => fail(),
  status: async () => fail(),
  deadLetters: { list: fail, redrive: async () => fail() },
};

describe('with --json, a command that fails writes exactly one JSON object', () => {
  it.each(COMMANDS)('if a server fails: %s', async (command) => {
    const run = await runConsumer(`${command} --registry REGISTRY --json`, failing);
    expect(run.exitCode).toBe(1);
    expect(JSON.parse(run.stdout)).toEqual(REPORTED);
    expect(run.stderr).toContain('error: Redis cannot be reached. Start Redis.\n');
  });

  it.each(COMMANDS)('if the consumer cannot be opened: %s', async (command) => {
    const run = await runConsumer(`${command} --registry REGISTRY --json`, { open: fail });
    expect(run.exitCode).toBe(1);
    expect(JSON.parse(run.stdout)).toEqual(REPORTED);
  });

  it.each(COMMANDS)('if the registry cannot be read: %s', async (command) => {
    const run = await runConsumer(`${command} --registry /nowhere/registry.yaml --json`);
    expect(run.exitCode).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject({ error: { code: expect.stringMatching(/./) } });
  });

  it.each(['drain --json', 'drain --registry REGISTRY --json --budget never', 'run --json --unknown'])(
    'if an option is wrong: %s',
    async (commandLine) => {
      const run = await runConsumer(commandLine);
      expect(run.exitCode).toBe(1);
      expect(JSON.parse(run.stdout)).toMatchObject({ error: { message: expect.stringMatching(/option/) } });
    },
  );

  it('if a list breaks off, with the dead letters that were read', async () => {
    const list = async function* (): AsyncIterable<DeadLetter> {
      yield deadLetter('1-0');
      yield deadLetter('2-0');
      throw new ConfigurationError('lost', 'the list broke off');
    };
    const run = await runConsumer('dead-letters list --registry REGISTRY --json', { deadLetters: { list } });
    expect(run.exitCode).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject({
      deadLetters: [{ id: '1-0' }, { id: '2-0' }],
      error: { code: 'lost', message: 'the list broke off' },
    });
    expect(run.stderr).toContain('error: the list broke off\n');
  });
});

function deadLetter(id: string): DeadLetter {
  const unapplied = {
    ...{ all: true, statements: [], logs: [], dirty: [], cacheKeys: [] },
    ...{ logIds: {}, dirtyIds: {}, dirtyStreams: {} },
  };
  return {
    ...{ stream: 'orm-lazy-channel', id, entry: id, group: 'g', code: 'undecodable', message: '' },
    ...{ attempts: 1, failedAt: '', unapplied, original: [] },
  };
}
