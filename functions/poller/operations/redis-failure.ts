import { connect } from 'node:net';
import { BackgroundConsumerError } from '../../../shared/errors.ts';
import type { FailureStage, StageFailure } from '../../../shared/operations.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';
import { explainRefusal, refusalCodeOf } from '../redis/refusals.ts';
import { failureStageOf } from './failure-stage.ts';

const TCP_CONNECT_MS = 1500;
const MAX_CAUSE_DEPTH = 4;

/** Finds the stage at which a connection to Redis failed. `pool`: undefined if its secret could not be read. */
export async function redisFailure(error: unknown, pool: RedisPool | undefined): Promise<StageFailure> {
  const codes: string[] = [];
  let text = '';
  for (let cause = error; cause instanceof Error && codes.length < MAX_CAUSE_DEPTH; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') codes.push(cause.code);
    text += cause.message;
  }
  const explained = explainRefusal(pool?.code ?? '', error);
  const known = explained instanceof BackgroundConsumerError ? explained : undefined;
  const failure = {
    stage: failureStageOf(codes, text),
    code: codes.at(-1) ?? refusalCodeOf(error) ?? 'redis-failed',
    message: known?.message ?? 'Redis returned an error',
    ...(known?.nextStep === undefined ? {} : { nextStep: known.nextStep }),
  };
  return failure.stage === 'network-path' && pool !== undefined ? atHandshake(failure, pool) : failure;
}

/**
 * Corrects the stage if a TCP connection succeeds. Then the network path works, and either only one side uses TLS or the
 * server does not reply.
 */
async function atHandshake(failure: StageFailure, pool: RedisPool): Promise<StageFailure> {
  if (pool.target.kind !== 'tcp' || !(await canConnect(pool.target))) return failure;
  const isCutOff = failure.code === 'ECONNRESET' || failure.message.includes('Connection is closed');
  const stage: FailureStage = pool.tls || isCutOff ? 'tls' : 'server';
  if (stage === 'server') return { ...failure, stage };
  const nextStep = pool.tls
    ? `Pool '${pool.code}' is configured with TLS. Check that the server uses TLS on this port.`
    : `Pool '${pool.code}' is configured without TLS. Check whether the server requires it.`;
  return { ...failure, stage, nextStep };
}

function canConnect({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TCP_CONNECT_MS });
    const finish = (isConnected: boolean) => {
      socket.destroy();
      resolve(isConnected);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('timeout', () => finish(false));
  });
}
