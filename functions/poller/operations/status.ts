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
import { rehearseDrain } from './rehearsal.ts';

const REDIS_TIMEOUT_MS = 8000;
const MYSQL_TIMEOUT_MS = 8000;

/** Name under which `status` reads a MySQL pool's ledger. No consumer uses it. */
const STATUS_CONSUMER = 'status';

export interface StatusOptions {
  readonly registry: Pick<PollerRegistry, 'streams'>;
  /** By pool code. The functions reject if the pool's secret cannot be read. */
  readonly redisPools: ReadonlyMap<string, () => Promise<RedisPool>>;
  readonly mysqlPools: readonly string[];
  readonly executor: SqlExecutor;
  readonly channels: readonly Channel[];
}

/**
 * Tests the connection to each pool and each function that a stream is bound to, and counts the remaining entries of each
 * channel that can be read. It also finds out whether Redis would refuse what a drain does. It changes nothing and does not acquire the lock.
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
  // Sorted as in a drain's report, regardless of which Redis pool replied first.
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
  { registry, channels, redisPools }: StatusOptions,
  states: ChannelState[],
): Promise<StageFailure | undefined> {
  let pool: RedisPool | undefined;
  try {
    pool = await resolve();
    const hasOtherPools = redisPools.size > 1;
    const answers = await Promise.race([
      Promise.allSettled([
        rehearseDrain(pool, { registry, channels, hasOtherPools }),
        readChannelStates(pool, registry, channels),
      ]),
      sleep(REDIS_TIMEOUT_MS, undefined),
    ]);
    if (answers === undefined) return REDIS_SILENT;
    const [refused, ofPool] = answers;
    if (ofPool.status === 'fulfilled') states.push(...ofPool.value);
    // What a drain would be refused says more than what could not be counted.
    if (refused.status === 'rejected') throw refused.reason;
    if (refused.value === undefined && ofPool.status === 'rejected') throw ofPool.reason;
    return refused.value;
  } catch (error) {
    return redisFailure(error, pool);
  }
}

const REDIS_SILENT: StageFailure = {
  stage: 'server',
  code: 'no-answer',
  message: 'Redis accepts connections but does not reply',
  nextStep: 'Check whether Redis is overloaded or blocked by a slow command.',
};

async function tryMysqlPool(pool: string, executor: SqlExecutor): Promise<StageFailure | undefined> {
  const deadline = Date.now() + MYSQL_TIMEOUT_MS;
  const common = { version: PROTOCOL_VERSION, pool, consumer: STATUS_CONSUMER, deadline } as const;
  try {
    const reply = await executor.execute({ ...common, operation: 'peek' });
    return reply.status === 'error' ? mysqlFailure(reply) : undefined;
  } catch {
    return {
      stage: 'server',
      code: 'no-answer',
      message: `the SQL executor did not reply for MySQL pool '${pool}'`,
      nextStep: "Check the log of the SQL executor's function.",
    };
  }
}

function mysqlFailure({ code, message, nextStep }: ErrorReply): StageFailure {
  return { stage: failureStageOf([code]), code, message, ...(nextStep === undefined ? {} : { nextStep }) };
}
