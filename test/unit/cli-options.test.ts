import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../cli/options/option-values.ts';
import { runConsumer } from '../kit/cli-program.ts';

describe('a duration', () => {
  it.each([
    ['1500ms', 1500],
    ['50s', 50_000],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['24h', 86_400_000],
    ['0.5ms', 1],
  ])('is a number with a unit: %s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(['', '50', 's', '-1s', '0s', '1 s', '1e3s', '1d', '1sms', '577h', 'Infinitys', '0.1ms'])(
    'is not valid otherwise: %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe('the command line', () => {
  it.each([
    ['--help', ['drain', 'run', 'dead-letters']],
    [
      'drain --help',
      [
        'handler: { kind: module',
        '(default: 50s)',
        '(default: 11)',
        '"entity"',
        '"background_consumer"',
        'Exit code:',
      ],
    ],
    [
      'run --help',
      ['handler: { kind: module', '--registry <file>', 'SIGTERM', '(default: 11)', '(default: none)'],
    ],
    ['dead-letters --help', ['list', 'show', 'redrive', 'discard']],
    ['dead-letters redrive --help', ['--stream <name>', '--id <id>', '--code <code>', '--all', '--json']],
  ])('prints its help: %s', async (commandLine, texts) => {
    const { exitCode, stdout, stderr } = await runConsumer(commandLine);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const text of texts) expect(stdout).toContain(text);
  });

  it.each([
    ['drain', "option '--registry <file>' or '--function <name>' is required", '`consumer drain --help`'],
    ['drain --registry REGISTRY --budget soon', "argument 'soon' is invalid", 'such as 1500ms, 50s or 2m'],
    ['drain --registry REGISTRY --budget 0s', "argument '0s' is invalid", 'up to 24 days'],
    ['drain --registry REGISTRY --ordering row', "argument 'row' is invalid", 'entity, pool'],
    ['drain --registry REGISTRY --lazy-concurrency 0', "argument '0' is invalid", 'from 1 to 1000'],
    ['drain --registry REGISTRY --lazy-concurrency 1.5', "argument '1.5' is invalid", 'whole number'],
    ['run --registry REGISTRY --ledger-database a.b', "argument 'a.b' is invalid", 'letters, digits'],
    ['run --registry REGISTRY --allowed-statements CALL;', "argument 'CALL;' is invalid", 'such as CALL,SET'],
    ['run --registry REGISTRY --log-level loud', "argument 'loud' is invalid", 'debug, info, warn, error'],
    ['drain --registry REGISTRY --bugdet 1s', "unknown option '--bugdet'", 'Did you mean --budget?'],
    ['drain --registry REGISTRY more', 'too many arguments', '`consumer drain --help`'],
    ['drian', "unknown command 'drian'", 'Did you mean drain?'],
    ['dead-letters list --registry REGISTRY --id 5', "argument '5' is invalid", '`dead-letters list`'],
    ['dead-letters list --registry REGISTRY --all --id 1-0', "'--all' cannot be used with", 'list --help`'],
    [
      'dead-letters redrive --registry REGISTRY',
      'no dead letters are selected',
      '--stream, --id, --code or --all',
    ],
    [
      'dead-letters discard --registry REGISTRY',
      'no dead letters are selected',
      '--stream, --id, --code or --all',
    ],
    ['dead-letters show --registry REGISTRY', 'no dead letter is selected', 'Specify its --id'],
    [
      'dead-letters list --registry REGISTRY --stream x',
      'the registry has no stream "x"',
      'orm-lazy-channel',
    ],
    ['drain --registry /none.yaml', 'registry /none.yaml: there is no such file', 'Pass the path'],
    ['run --registry /none.yaml', 'registry /none.yaml: there is no such file', 'Pass the path'],
  ])('reports the error with a next step, and exits with 1: %s', async (commandLine, problem, nextStep) => {
    const { exitCode, stdout, stderr } = await runConsumer(commandLine);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(problem);
    expect(stderr).toContain(nextStep);
  });

  it('passes its options to the consumer', async () => {
    const { opened } = await runConsumer(
      'drain --registry REGISTRY --ordering pool --lazy-concurrency 3 --ledger-database led --allowed-statements call,SET',
    );
    expect(opened).toMatchObject([
      { ordering: 'pool', lazyConcurrency: 3, ledgerDatabase: 'led', allowedStatements: ['CALL', 'SET'] },
    ]);
    expect(opened[0]?.registry.mysqlPools.has('default')).toBe(true);
  });

  it('has defaults', async () => {
    for (const command of ['drain', 'dead-letters list']) {
      const { opened } = await runConsumer(`${command} --registry REGISTRY`);
      expect(opened).toMatchObject([
        {
          ordering: 'entity',
          lazyConcurrency: 11,
          ledgerDatabase: 'background_consumer',
          allowedStatements: [],
        },
      ]);
    }
  });
});
