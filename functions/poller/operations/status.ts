import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ChannelState,
  HandlerStatus,
  PoolStatus,
  StageFailure,
  StatusReply,
} from '../../../shared/operations.ts';
import { type ErrorReply, PROTOCOL_VERSION, type SqlExecutor } from '../../../shared/protocol.ts';
import type { PollerRegistry, RedisPool } from '../../../shared/registry/types.ts';
import type { Channel } from '../channels/channel.ts';
import { readChannelStates } from './channel-states.ts';
import { failureStageOf } from './failure-stage.ts';
import { redisFailure } from './redis-failure.ts';

const REDIS_ANSWER_MS = 8000;
const MYSQL_ANSWER_MS = 8000;

/** The name under which `status` looks at a MySQL pool's ledger: of no consumer. */
const STATUS_CONSUMER = 'status';

export interface StatusOptions {
  readonly registry: Pick<PollerRegistry, 'streams'>;
  /** Each by its code; rejects where its secret can't be read. */
  readonly redisPools: ReadonlyMap<string, () => Promise<RedisPool>>;
  readonly mysqlPools: readonly string[];
  readonly executor: SqlExecutor;
  readonly channels: readonly Channel[];
}

/**
 * Tries each pool and each function that a stream is bound to, and tells what is left in each channel that can be read.
 * Changes nothing, takes no lock.
 */
export async function readStatus(options: StatusOptions): Promise<StatusReply> {
  const states: ChannelState[] = [];
  const redis = [...options.redisPools].map(async ([pool, resolve]): Promise<PoolStatus> => {
    const failure = await readRedisPool(resolve, options, states);
    return { pool, kind: 'redis', ...(failure && { failure }) };
  });
  const mysql = options.mysqlPools.map(async (pool): Promise<PoolStatus> => {
    const failure = await tryMysqlPool(pool, options.executor);
    return { pool, kind: 'mysql', ...(failure && { failure }) };
  });
  const handlers = options.channels.flatMap(({ name, probe }) => (probe ? [probeHandler(name, probe)] : []));
  const pools = await Promise.all([...redis, ...mysql]);
  // In the order of a drain's report, whichever Redis pool has answered first.
  const order = options.channels.map(({ name }) => name);
  const channels = states.toSorted((one, two) => order.indexOf(one.channel) - order.indexOf(two.channel));
  return { pools, handlers: await Promise.all(handlers), channels };
}

async function probeHandler(channel: string, probe: NonNullable<Channel['probe']>): Promise<HandlerStatus> {
  const failure = await probe();
  return { channel, ...(failure && { failure }) };
}

async function readRedisPool(
  resolve: () => Promise<RedisPool>,
  { registry, channels }: StatusOptions,
  states: ChannelState[],
): Promise<StageFailure | undefined> {
  let pool: RedisPool | undefined;
  try {
    pool = await resolve();
    const ofPool = await Promise.race([
      readChannelStates(pool, registry, channels),
      sleep(REDIS_ANSWER_MS, undefined),
    ]);
    if (ofPool === undefined) return SILENT_REDIS;
    states.push(...ofPool);
    return undefined;
  } catch (error) {
    return redisFailure(error, pool);
  }
}

const SILENT_REDIS: StageFailure = {
  stage: 'server',
  code: 'no-answer',
  message: 'Redis takes connections but does not answer',
};

async function tryMysqlPool(pool: string, executor: SqlExecutor): Promise<StageFailure | undefined> {
  const deadline = Date.now() + MYSQL_ANSWER_MS;
  const common = { version: PROTOCOL_VERSION, pool, consumer: STATUS_CONSUMER, deadline } as const;
  try {
    const reply = await executor.execute({ ...common, operation: 'peek' });
    return reply.status === 'error' ? mysqlFailure(reply) : undefined;
  } catch {
    return {
      stage: 'server',
      code: 'no-answer',
      message: `the SQL executor gave no answer for MySQL pool '${pool}'`,
      nextStep: "See the log of the SQL executor's function.",
    };
  }
}

function mysqlFailure({ code, message, nextStep }: ErrorReply): StageFailure {
  return { stage: failureStageOf([code]), code, message, ...(nextStep === undefined ? {} : { nextStep }) };
}
