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

/** Part of the function's time that is reserved for rolling back an open transaction and for the reply. */
const ROLLBACK_MS = 2000;

/**
 * Answers one invocation.
 *
 * @param event a packed request, see shared/aws/payload.ts
 * @param remainingMs time until Lambda ends the function. The request's deadline is shortened accordingly, so that
 *   an open transaction is rolled back before then.
 * @returns the packed reply
 */
export async function answer(
  executor: SqlExecutor,
  event: unknown,
  remainingMs: number,
  logger: Logger,
): Promise<unknown> {
  const request = await readRequest(event);
  if (request === undefined) {
    logger.error('the request has another protocol version', { version: PROTOCOL_VERSION });
    return UNKNOWN_REQUEST;
  }
  const deadline = Math.min(request.deadline, Date.now() + remainingMs - ROLLBACK_MS);
  const reply = await executor.execute({ ...request, deadline });
  if (reply.status === 'error') {
    // Log only the code: MySQL's message may quote values of a row.
    const { operation, pool } = request;
    logger.warn('request failed', { operation, pool, kind: reply.kind, code: reply.code });
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

/** Occurs only during a deployment, because the two functions are updated one after the other. */
const UNKNOWN_REQUEST: ExecutorReply = {
  status: 'error',
  kind: 'transient',
  code: 'protocol-version',
  message: `the SQL executor expects requests of protocol version ${PROTOCOL_VERSION}`,
  nextStep: 'Deploy the poller and the SQL executor from the same version of this project.',
};

/**
 * The reply to a batch always fits, because its number of statements is limited and each contributes an ID or at most
 * 1,000 characters of message. It must fit: the batch has committed. A page of rows is cut if necessary; the poller
 * requests the rest.
 */
async function packReply(reply: ExecutorReply): Promise<unknown> {
  const payload = await packPayload(reply);
  if (payload !== undefined) return payload.value;
  const half = 'rows' in reply ? Math.floor(reply.rows.length / 2) : 0;
  if (!('rows' in reply) || half === 0) throw new Error(`the reply '${reply.status}' exceeds Lambda's limit`);
  if (reply.status === 'page') return packReply({ ...reply, rows: reply.rows.slice(0, half), more: true });
  return packReply({ ...reply, rows: reply.rows.slice(0, half), more: true });
}
