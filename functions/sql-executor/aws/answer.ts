import * as z from 'zod';
import { packPayload, unpackPayload } from '../../../shared/aws/payload.ts';
import type { Logger } from '../../../shared/logging.ts';
import {
  type ExecutorReply,
  type ExecutorRequest,
  PROTOCOL_VERSION,
  parseRequest,
  type SqlExecutor,
} from '../../../shared/protocol.ts';

/** Kept of the function's time for undoing what is open and for the reply. */
const ROLLBACK_MS = 2000;

/**
 * Answers one invocation: the event is a packed request, the result a packed reply. `remainingMs`: until Lambda ends the
 * function; the request's deadline is brought forward, so that a transaction ends by ROLLBACK before.
 */
export async function answer(
  executor: SqlExecutor,
  event: unknown,
  remainingMs: number,
  logger: Logger,
): Promise<unknown> {
  const request = await readRequest(event);
  if (request === undefined) {
    logger.error('the request is of another version', { version: PROTOCOL_VERSION });
    return UNKNOWN_REQUEST;
  }
  const deadline = Math.min(request.deadline, Date.now() + remainingMs - ROLLBACK_MS);
  const reply = await executor.execute({ ...request, deadline });
  if (reply.status === 'error') {
    // MySQL's message may hold values of a row: the code is enough for a log.
    const { operation, pool } = request;
    logger.warn('a request failed', { operation, pool, kind: reply.kind, code: reply.code });
  }
  return packReply(reply);
}

async function readRequest(event: unknown): Promise<ExecutorRequest | undefined> {
  const value = await unpackPayload(event);
  try {
    return parseRequest(value);
  } catch (error) {
    if (error instanceof z.ZodError) return undefined;
    throw error;
  }
}

/** Only for a while: the two functions are deployed one after the other. */
const UNKNOWN_REQUEST: ExecutorReply = {
  status: 'error',
  kind: 'transient',
  code: 'protocol-version',
  message: `the request is none of version ${PROTOCOL_VERSION}`,
  nextStep: 'Deploy poller and SQL executor from the same version of this project.',
};

/**
 * A batch's reply is small by its count of statements, each with an id or a message of 1,000 characters at most, and so
 * fits before its COMMIT. A page of rows can be cut: the poller asks for the rest.
 */
async function packReply(reply: ExecutorReply): Promise<unknown> {
  const payload = await packPayload(reply);
  if (payload !== undefined) return payload.value;
  const half = 'rows' in reply ? Math.floor(reply.rows.length / 2) : 0;
  if (!('rows' in reply) || half === 0)
    throw new Error(`a reply '${reply.status}' is longer than Lambda lets through`);
  if (reply.status === 'page') return packReply({ ...reply, rows: reply.rows.slice(0, half), more: true });
  return packReply({ ...reply, rows: reply.rows.slice(0, half), more: true });
}
