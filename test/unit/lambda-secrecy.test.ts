import { spawnSync } from 'node:child_process';
import { Logger } from '@aws-lambda-powertools/logger';
import { ReplyError } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';
import { createLambdaLogger } from '../../shared/aws/lambda-logger.ts';
import { parsePoolSecret } from '../../shared/aws/pool-secret.ts';
import { reportingErrors, toReportedError } from '../../shared/aws/reported-error.ts';
import { ConnectionError } from '../../shared/errors.ts';
import { PROTOCOL_VERSION, parseRequest } from '../../shared/protocol.ts';

const PLANTED = 'pl4nted-s3cret';

/** Errors as the libraries create them, with the planted text where they may contain a value of a row or a password. */
const ERRORS: readonly (readonly [string, Error])[] = [
  ['a plain error', new Error(`Duplicate entry '${PLANTED}'`)],
  [
    'an error of mysql2',
    Object.assign(new Error(`Duplicate entry '${PLANTED}' for key 'email'`), {
      code: 'ER_DUP_ENTRY',
      errno: 1062,
      sqlState: '23000',
      sql: `INSERT INTO t VALUES ('${PLANTED}')`,
      sqlMessage: `Duplicate entry '${PLANTED}'`,
    }),
  ],
  [
    'an error of ioredis',
    Object.assign(new ReplyError(`WRONGPASS ${PLANTED}`), {
      command: { name: 'auth', args: ['app', PLANTED] },
      previousErrors: [new Error(PLANTED)],
    }),
  ],
  [
    'an error of a socket',
    Object.assign(new Error(`connect ${PLANTED}`), { code: 'ECONNREFUSED', address: PLANTED }),
  ],
  ['an error caused by another', new Error('outer', { cause: new Error(PLANTED) })],
  ['several errors', new AggregateError([new Error(PLANTED)], PLANTED)],
  [
    'an error of this project, in its cause',
    new ConnectionError('redis-failed', 'Redis fails', { cause: new Error(PLANTED) }),
  ],
  ['a validation error', validationError()],
  ['the error of a damaged secret', secretError()],
];

function validationError(): Error {
  try {
    parseRequest({ version: PROTOCOL_VERSION, operation: 'batch', pool: 'p', items: [{ sql: PLANTED }] });
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('the request should be rejected');
}

function secretError(): Error {
  try {
    parsePoolSecret(`{"password": ["${PLANTED}"]}`, 'arn');
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('the secret should be rejected');
}

/** Everything that a Powertools logger writes. */
async function outputOf(run: (logger: ReturnType<typeof createLambdaLogger>) => Promise<unknown>) {
  const lines: string[] = [];
  const spies = (['debug', 'info', 'warn', 'error', 'log'] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation((...parts: unknown[]) => {
      lines.push(parts.map(String).join(' '));
    }),
  );
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  try {
    await run(createLambdaLogger('debug', 'test', new Logger({ serviceName: 'test', logLevel: 'DEBUG' })));
  } finally {
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
  return lines.join('\n');
}

describe.each(ERRORS)('%s', (_, error) => {
  test('leaves no value of a row and no password in the log', async () => {
    const output = await outputOf(async (logger) => {
      logger.error('it failed', { error, nested: { list: [error] } });
      await reportingErrors(logger, () => Promise.reject(error)).catch(() => undefined);
    });
    expect(output).toContain(error.name);
    expect(output).not.toContain(PLANTED);
  });

  test('is reported to Lambda without them, including properties and stack', () => {
    const reported = toReportedError(error);
    const all = [reported.message, reported.stack, JSON.stringify(reported), String(reported.cause)];
    expect(all.join('\n')).not.toContain(PLANTED);
    expect(Object.keys(reported).filter((key) => key !== 'name')).toEqual([]);
  });
});

/** Like the files of the handlers. Lambda's own runtime would print the error with all its properties. */
const UNCAUGHT = `
import { Logger } from '@aws-lambda-powertools/logger';
import { createLambdaLogger } from './shared/aws/lambda-logger.ts';
import { reportUncaughtErrors } from './shared/aws/reported-error.ts';
reportUncaughtErrors(createLambdaLogger('info', 'test', new Logger({ serviceName: 'test' })));
const error = Object.assign(new Error('Duplicate entry ${PLANTED}'), { code: 'ER_DUP_ENTRY', sql: '${PLANTED}' });
`;

test.each(['setTimeout(() => { throw error; })', 'void Promise.reject(error)'])(
  'an uncaught error ends the process without them: %s',
  (failure) => {
    const options = { cwd: `${import.meta.dirname}/../..`, encoding: 'utf8' } as const;
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', UNCAUGHT + failure], options);
    expect(run.status).toBe(129);
    expect(run.stdout + run.stderr).toContain('ER_DUP_ENTRY');
    expect(run.stdout + run.stderr).not.toContain(PLANTED);
  },
);
