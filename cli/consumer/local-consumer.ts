import { createOrdering } from '../../functions/poller/lanes/ordering.ts';
import { RedisDeadLetters } from '../../functions/poller/operations/dead-letters.ts';
import { readStatus } from '../../functions/poller/operations/status.ts';
import { Poller } from '../../functions/poller/poller.ts';
import type { PollerOptions } from '../../functions/poller/poller-options.ts';
import { MysqlExecutor } from '../../functions/sql-executor/executor.ts';
import { defaultAllowedStatements } from '../../shared/sql/statement.ts';
import type { Consumer, ConsumerOptions } from './consumer.ts';
import { openOwnStreams } from './open-own-streams.ts';

/** Twice the deployed default, because no Lambda invocation is billed while it waits and none has its own timeout. */
const DEFAULT_BATCH_ITEMS = 1000;
const BATCH_BYTES = 1 << 20;
const DEFAULT_LOCK_TTL_MS = 20_000;

/** Connections besides those of batches in flight: for opening epochs, pruning the ledger and killing queries. */
const SPARE_CONNECTIONS = 3;

/**
 * Opens a poller and an SQL executor in this process, without Lambda between them. Connects on first use. Tests and
 * benchmarks replace options of the poller through `overrides`.
 * @throws ConfigurationError if a module that is bound to an own stream cannot be used
 */
export async function openLocalConsumer(
  options: ConsumerOptions,
  overrides: Partial<PollerOptions> = {},
): Promise<Consumer> {
  const { registry, logger } = options;
  const ownStreams = await openOwnStreams(options.bindings ?? []);
  const executor = new MysqlExecutor({
    mysqlPools: registry.mysqlPools,
    ledgerDatabase: options.ledgerDatabase,
    connectionLimit: options.lazyConcurrency + SPARE_CONNECTIONS,
  });
  const poller = new Poller({
    registry,
    executor,
    logger,
    createOrdering: () => createOrdering(options.ordering),
    limits: {
      lanes: options.lazyConcurrency,
      batchItems: options.batchSize ?? DEFAULT_BATCH_ITEMS,
      batchBytes: BATCH_BYTES,
    },
    allowedStatements: new Set([...defaultAllowedStatements, ...options.allowedStatements]),
    lockTtlMs: DEFAULT_LOCK_TTL_MS,
    search: options.search ?? {},
    absentGroups: options.absentGroups ?? 'hold',
    collectsGarbage: options.collectsGarbage ?? false,
    ownStreams: ownStreams.channels,
    ...overrides,
  });
  return {
    drain: ({ budgetMs, isTail, signal, onProgress }) =>
      poller.drain({ budgetMs, isTail, signal, onProgress }),
    deadLetters: new RedisDeadLetters(registry),
    status: () =>
      readStatus({
        registry,
        redisPools: new Map([...registry.redisPools].map(([code, pool]) => [code, async () => pool])),
        mysqlPools: [...registry.mysqlPools.keys()],
        executor,
        ownStreams: overrides.ownStreams ?? ownStreams.channels,
      }),
    close: () => {
      ownStreams.close();
      return executor.close();
    },
  };
}
