import { describe, expect, it } from 'vitest';
import { ConfigurationError, ConnectionError } from '../../shared/errors.ts';
import { createLogger, errorFields, type LoggerOptions } from '../../shared/logging.ts';

function collect(isTTY: boolean): { lines: string[]; destination: LoggerOptions['destination'] } {
  const lines: string[] = [];
  return { lines, destination: { isTTY, write: (line) => void lines.push(line) } };
}

describe('a logger', () => {
  it('writes JSON lines unless the destination is a terminal', () => {
    const { lines, destination } = collect(false);
    const logger = createLogger({ level: 'info', destination });
    logger.info('drained', { entries: 3 });
    logger.debug('not this one');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      message: 'drained',
      entries: 3,
    });
  });

  it('writes readable lines on a terminal', () => {
    const { lines, destination } = collect(true);
    createLogger({ level: 'debug', destination }).warn('pool is down', { pool: 'a\nb', retries: 2 });
    expect(lines).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d warn {2}pool is down pool="a\\nb" retries=2\n$/),
    ]);
  });
});

describe('errorFields', () => {
  it("omits MySQL's message, which quotes values", () => {
    const error = Object.assign(new Error("Duplicate entry 'secret@example.com' for key 'Email'"), {
      code: 'ER_DUP_ENTRY',
      errno: 1062,
      sqlState: '23000',
      sql: 'INSERT …',
    });
    expect(errorFields(error)).toEqual({
      name: 'Error',
      code: 'ER_DUP_ENTRY',
      errno: 1062,
      sqlState: '23000',
    });
  });

  it("returns Redis's code without the rest of its message", () => {
    const error = new Error('WRONGTYPE Operation against a key');
    error.name = 'ReplyError';
    expect(errorFields(error)).toEqual({ name: 'ReplyError', code: 'WRONGTYPE' });
  });

  it("returns the message, the next step and the cause of the project's own errors", () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', errno: -111 });
    expect(
      errorFields(new ConnectionError('pool-down', 'no server', { nextStep: 'Start it.', cause })),
    ).toEqual({
      name: 'ConnectionError',
      code: 'pool-down',
      message: 'no server',
      nextStep: 'Start it.',
      cause: { name: 'Error', code: 'ECONNREFUSED', errno: -111 },
    });
    expect(errorFields(new ConfigurationError('wrong', 'text'))).toEqual({
      name: 'ConfigurationError',
      code: 'wrong',
      message: 'text',
    });
  });

  it('returns where an error without a code was thrown, never its message', () => {
    const fields = errorFields(new TypeError('secret\n    at secret'));
    expect(JSON.stringify(fields)).not.toContain('secret');
    expect(fields.stack?.[0]).toContain('logging.test.ts');
  });

  it('returns the type of a value that is not an error, and stops at errors that cause each other', () => {
    expect(errorFields('secret')).toEqual({ name: 'string' });
    const error = new Error('round');
    error.cause = error;
    expect(errorFields(error).cause?.cause?.cause).toMatchObject({ name: 'Error' });
  });
});
