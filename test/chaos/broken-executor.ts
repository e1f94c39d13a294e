import { setTimeout as sleep } from 'node:timers/promises';
import { NO_LANE } from '../../functions/poller/lanes/lane-counts.ts';
import type { Ordering } from '../../functions/poller/lanes/ordering.ts';
import type { BatchRequest, ExecutorReply, ItemResult, SqlExecutor } from '../../shared/protocol.ts';
import type { Safeguard } from './safeguards.ts';
import { FIRST_TICKET_ID } from './workloads/tickets.ts';

/** An ordering in which no statement must follow another. */
export const UNORDERED: Ordering = {
  isExact: false,
  laneToFollow: () => NO_LANE,
  assigned: () => undefined,
  finished: () => undefined,
};

/** The executor without the safeguard; unchanged if the safeguard is not part of the executor. */
export function breakExecutor(executor: SqlExecutor, broken: Safeguard): SqlExecutor {
  if (broken === 'ledger') return { execute: (request) => executeForgetfully(executor, request) };
  if (broken === 'order') return { execute: (request) => executeOutOfOrder(executor, request) };
  if (broken === 'predicted-id') return { execute: (request) => executePredicting(executor, request) };
  if (broken === 'fence') return { execute: (request) => executeUnfenced(executor, request) };
  return executor;
}

type Request = Parameters<SqlExecutor['execute']>[0];

const MAX_DELAY_MS = 30;

/** Delays requests at random. Without delays they would mostly stay in order by luck, even with no ordering. */
async function executeOutOfOrder(executor: SqlExecutor, request: Request): Promise<ExecutorReply> {
  await sleep(Math.random() * MAX_DELAY_MS);
  return executor.execute(request);
}

/** Hides the ledger rows of earlier epochs. */
async function executeForgetfully(executor: SqlExecutor, request: Request): Promise<ExecutorReply> {
  const reply = await executor.execute(request);
  return reply.status === 'page' ? { status: 'page', rows: [], more: false } : reply;
}

/** An ID of an earlier row, as LAST_INSERT_ID() returns it after an insert to which a trigger has assigned the ID. */
const STALE_ID = '1';

/** Returns ledger rows as if the executor had recorded IDs that it predicted, without comparing them with the server's replies. */
async function executePredicting(executor: SqlExecutor, request: Request): Promise<ExecutorReply> {
  const reply = await executor.execute(request);
  if (reply.status !== 'page') return reply;
  const predicted = (result: ItemResult): ItemResult =>
    result.status === 'applied' && Number(result.insertId) >= FIRST_TICKET_ID
      ? { ...result, insertId: STALE_ID }
      : result;
  const rows = reply.rows.map((row) => ({
    ...row,
    outcome: { ...row.outcome, results: row.outcome.results.map(predicted) },
  }));
  return { ...reply, rows };
}

/** Replaces an outdated token with the current one. */
async function executeUnfenced(executor: SqlExecutor, request: Request): Promise<ExecutorReply> {
  if (request.operation !== 'batch') return executor.execute(request);
  const { version, pool, consumer, deadline } = request;
  const fence = await executor.execute({ operation: 'peek', version, pool, consumer, deadline });
  if (fence.status !== 'peeked' || fence.token === null || fence.token === request.token)
    return executor.execute(request);
  return executor.execute(withToken(request, fence.token));
}

/** Uses a batch number that the owner of the token cannot have used, because it counts from 0. */
function withToken(request: BatchRequest, token: string): BatchRequest {
  return { ...request, token, number: request.number + 1_000_000 };
}
