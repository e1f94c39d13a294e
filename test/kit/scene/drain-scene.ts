import { onTestFinished } from 'vitest';
import type { ConsumerOptions } from '../../../cli/consumer/consumer.ts';
import { type LocalConsumerOverrides, openLocalConsumer } from '../../../cli/consumer/local-consumer.ts';
import { MysqlExecutor, type MysqlExecutorOptions } from '../../../functions/sql-executor/executor.ts';
import type { DrainSummary } from '../../../shared/drain-summary.ts';
import { createLogger } from '../../../shared/logging.ts';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import type { Scene } from './scene.ts';

export interface DrainSetting extends Partial<ConsumerOptions> {
  readonly budgetMs?: number;
  readonly isTail?: boolean;
  readonly signal?: AbortSignal;
  readonly poller?: LocalConsumerOverrides;
  /** Wraps the executor that the poller uses. */
  readonly wrap?: (inner: SqlExecutor) => SqlExecutor;
  readonly executorFailpoint?: MysqlExecutorOptions['failpoint'];
}

export const silentLogger = createLogger({ level: 'error', destination: { write: () => true } });

/** Drains the scene once, with a new poller and a new executor. */
export async function drainScene(scene: Scene, setting: DrainSetting = {}): Promise<DrainSummary> {
  const {
    budgetMs = 20_000,
    isTail = false,
    signal,
    poller,
    wrap = (inner: SqlExecutor) => inner,
    executorFailpoint,
    ...options
  } = setting;
  const executor = openExecutor(
    scene,
    executorFailpoint === undefined ? {} : { failpoint: executorFailpoint },
  );
  const consumer = await openLocalConsumer(
    {
      registry: scene.registry,
      logger: silentLogger,
      ordering: 'entity',
      lazyConcurrency: 4,
      ledgerDatabase: scene.ledgerDatabase,
      allowedStatements: [],
      ...options,
    },
    { executor: wrap(executor), ...poller },
  );
  return consumer.drain({ budgetMs, isTail, ...(signal && { signal }) });
}

/** Opens an executor for the scene's MySQL pools. It is closed when the test is finished. */
export function openExecutor(
  { registry, ledgerDatabase }: Scene,
  options: Partial<MysqlExecutorOptions> = {},
): MysqlExecutor {
  const { mysqlPools } = registry;
  const executor = new MysqlExecutor({ mysqlPools, ledgerDatabase, connectionLimit: 8, ...options });
  onTestFinished(() => void executor.close());
  return executor;
}
