import { setTimeout as sleep } from 'node:timers/promises';
import { NO_LANE } from '../../functions/poller/lanes/lane-counts.ts';
import type { Ordering } from '../../functions/poller/lanes/ordering.ts';
import type { BatchRequest, ExecutorReply, SqlExecutor } from '../../shared/protocol.ts';
import type { Mechanism } from './safeguards.ts';

/** An ordering that knows of no order. */
export const UNORDERED: Ordering = {
  isExact: false,
  laneToFollow: () => NO_LANE,
  assigned: () => undefined,
  finished: () => undefined,
};

/** The executor without the mechanism; as it is where that is none of the executor's. */
export function breakExecutor(executor: SqlExecutor, broken: Mechanism): SqlExecutor {
  if (broken === 'ledger') return { execute: (request) => forgetful(executor, request) };
  if (broken === 'order') return { execute: (request) => overtaken(executor, request) };
  if (broken === 'fence') return { execute: (request) => unfenced(executor, request) };
  return executor;
}

type Request = Parameters<SqlExecutor['execute']>[0];

const MAX_DELAY_MS = 30;

/** What was sent first need not come first: without delays the lanes would mostly keep the order by luck. */
async function overtaken(executor: SqlExecutor, request: Request): Promise<ExecutorReply> {
  await sleep(Math.random() * MAX_DELAY_MS);
  return executor.execute(request);
}

/** Nothing is known of what was done in earlier epochs. */
async function forgetful(executor: SqlExecutor, request: Request): Promise<ExecutorReply> {
  const reply = await executor.execute(request);
  return reply.status === 'page' ? { status: 'page', rows: [], more: false } : reply;
}

/** Whoever comes with an old token is given the new one. */
async function unfenced(executor: SqlExecutor, request: Request): Promise<ExecutorReply> {
  if (request.operation !== 'batch') return executor.execute(request);
  const { version, pool, consumer, deadline } = request;
  const fence = await executor.execute({ operation: 'peek', version, pool, consumer, deadline });
  if (fence.status !== 'peeked' || fence.token === null || fence.token === request.token)
    return executor.execute(request);
  return executor.execute(underToken(request, fence.token));
}

/** With numbers that are not the ones of the token's owner, who counts from 0. */
function underToken(request: BatchRequest, token: string): BatchRequest {
  return { ...request, token, number: request.number + 1_000_000 };
}
