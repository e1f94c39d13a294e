import type { Channel } from '../../functions/poller/channels/channel.ts';
import { createChannels } from '../../functions/poller/channels/channels.ts';
import { drain } from '../../functions/poller/drain/drain.ts';
import { createOrdering } from '../../functions/poller/lanes/ordering.ts';
import { RedisDeadLetters } from '../../functions/poller/operations/dead-letters.ts';
import { readStatus } from '../../functions/poller/operations/status.ts';
import { BATCH_BYTES, LOCK_TTL_MS, type PollerOptions } from '../../functions/poller/poller-options.ts';
import { MysqlExecutor } from '../../functions/sql-executor/executor.ts';
import { SPARE_REQUESTS } from '../../shared/protocol.ts';
import type { Consumer, ConsumerOptions } from './consumer.ts';
import { openOwnStreams } from './open-own-streams.ts';

/** Twice as many as deployed: here no invocation is billed while it waits, and none has a deadline of its own. */
const DEFAULT_BATCH_ITEMS = 1000;

/** What tests replace. */
export interface LocalConsumerOverrides extends Partial<Omit<PollerOptions, 'channels'>> {
  readonly ownStreams?: readonly Channel[];
}

/**
 * Opens a poller and an SQL executor in this process, without Lambda between them. Connects on first use.
 * @throws ConfigurationError if a module that own streams are bound to cannot be used
 */
export async function openLocalConsumer(
  options: ConsumerOptions,
  { ownStreams: channelsOfTests, ...overrides }: LocalConsumerOverrides = {},
): Promise<Consumer> {
  const { registry, logger } = options;
  const ownStreams = await openOwnStreams(options.bindings ?? []);
  const executor = new MysqlExecutor({
    mysqlPools: registry.mysqlPools,
    ledgerDatabase: options.ledgerDatabase,
    connectionLimit: options.lazyConcurrency + SPARE_REQUESTS,
  });
  const channels = createChannels({
    allowedStatements: options.allowedStatements,
    search: options.search ?? {},
    absentGroups: options.absentGroups ?? 'hold',
    requestsCollections: options.collectsGarbage ?? false,
    ownStreams: channelsOfTests ?? ownStreams.channels,
  });
  const poller: PollerOptions = {
    registry,
    executor,
    logger,
    createOrdering: () => createOrdering(options.ordering),
    limits: {
      lanes: options.lazyConcurrency,
      batchItems: options.batchSize ?? DEFAULT_BATCH_ITEMS,
      batchBytes: BATCH_BYTES,
    },
    channels,
    lockTtlMs: LOCK_TTL_MS,
    ...overrides,
  };
  return {
    drain: (drainOptions) => drain(poller, drainOptions),
    deadLetters: new RedisDeadLetters(registry),
    status: () =>
      readStatus({
        registry,
        redisPools: new Map([...registry.redisPools].map(([code, pool]) => [code, async () => pool])),
        mysqlPools: [...registry.mysqlPools.keys()],
        executor,
        channels,
      }),
    close: () => {
      ownStreams.close();
      return executor.close();
    },
  };
}
