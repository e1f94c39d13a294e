import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretReader } from '../../../shared/aws/secret-reader.ts';
import type { DrainSummary } from '../../../shared/drain-summary.ts';
import { BackgroundConsumerError } from '../../../shared/errors.ts';
import type { Logger } from '../../../shared/logging.ts';
import type { ChannelState, DeadLetterPage, Operation, StatusReply } from '../../../shared/operations.ts';
import { SPARE_REQUESTS } from '../../../shared/protocol.ts';
import type { PollerRegistry } from '../../../shared/registry/types.ts';
import { parseSearchSettings } from '../../../shared/search-settings.ts';
import type { Channel } from '../channels/channel.ts';
import { createChannels } from '../channels/channels.ts';
import { drain } from '../drain/drain.ts';
import { createOrdering } from '../lanes/ordering.ts';
import { readChannelStates } from '../operations/channel-states.ts';
import { deadLetterPage } from '../operations/dead-letter-pages.ts';
import { RedisDeadLetters } from '../operations/dead-letters.ts';
import { readStatus } from '../operations/status.ts';
import { BATCH_BYTES, LOCK_TTL_MS, type PollerOptions } from '../poller-options.ts';
import type { PollerConfiguration } from './configuration.ts';
import { DeployedOwnStreams } from './deployed-own-streams.ts';
import {
  areSameRedisPools,
  deployedStreams,
  resolveRedisPool,
  resolveRegistry,
} from './deployed-registry.ts';
import { LambdaExecutor, type LambdaExecutorOptions } from './lambda-executor.ts';
import { type DrainMetrics, InvocationCounts } from './metrics.ts';

/** Time reserved at the end of the invocation for metrics, the reply and a drain that ends late. */
const RESERVED_MS = 4000;
const CHANNEL_STATES_TIMEOUT_MS = 2000;

export interface DeployedPollerServices {
  readonly configuration: PollerConfiguration;
  readonly secrets: SecretReader;
  readonly logger: Logger;
  readonly metrics: DrainMetrics;
  readonly clientConfig?: LambdaExecutorOptions['clientConfig'];
}

export type OperationResult = DrainSummary | StatusReply | DeadLetterPage;

/** The poller as a Lambda function: it handles rotated secrets and performs other operations as well as drains. */
export class DeployedPoller {
  readonly #services: DeployedPollerServices;
  readonly #ownStreams: DeployedOwnStreams;
  #createdChannels: readonly Channel[] | undefined;

  /** @throws ConfigurationError if a binding does not match the streams */
  constructor(services: DeployedPollerServices) {
    this.#services = services;
    const { configuration, clientConfig } = services;
    const streams = deployedStreams(configuration);
    this.#ownStreams = new DeployedOwnStreams(configuration.bindings, { streams }, clientConfig);
  }

  /** Created on first use: wrong search settings must fail a drain, which reports them, and not the start of the function. */
  get #channels(): readonly Channel[] {
    const { configuration } = this.#services;
    this.#createdChannels ??= createChannels({
      allowedStatements: configuration.allowedStatements,
      search: parseSearchSettings(configuration.search ?? {}, 'search'),
      absentGroups: configuration.absentGroups,
      requestsCollections: true,
      ownStreams: this.#ownStreams.channels,
    });
    return this.#createdChannels;
  }

  /** `remainingMs`: time until Lambda stops the invocation. */
  async perform(operation: Operation, remainingMs: number): Promise<OperationResult> {
    const endsAt = Date.now() + remainingMs - RESERVED_MS;
    switch (operation.operation) {
      case 'drain':
        return this.#drain(operation, endsAt);
      case 'status':
        return this.#status();
      case 'dead-letters':
      case 'redrive':
      case 'discard': {
        const page = (registry: PollerRegistry) =>
          deadLetterPage(operation, new RedisDeadLetters(registry), () => Date.now() < endsAt);
        return page(await this.#registry({ isFresh: false })).catch(async (error: unknown) => {
          if (!isRefusedLogin(error)) throw error;
          return page(await this.#registry({ isFresh: true }));
        });
      }
    }
  }

  async #drain(
    { budgetMs, isTail = this.#services.configuration.isTail }: Extract<Operation, { operation: 'drain' }>,
    latestEnd: number,
  ): Promise<DrainSummary> {
    const { configuration, metrics, logger } = this.#services;
    const endsAt = Math.min(latestEnd, Date.now() + (budgetMs ?? configuration.budgetMs));
    const invocations = new InvocationCounts();
    const executor = this.#executor(invocations);
    let registry: PollerRegistry | undefined;
    let summary: DrainSummary | undefined;
    try {
      const run = (used: PollerRegistry) => {
        registry = used;
        return drain(this.#pollerOptions(used, executor), {
          budgetMs: Math.max(1, endsAt - Date.now()),
          isTail,
        });
      };
      summary = await this.#runWithNewSecrets(await this.#registry({ isFresh: false }), run);
      logger.info('drained', { ...loggable(summary), failedInvocations: invocations.failures });
      return summary;
    } finally {
      executor.close();
      this.#ownStreams.closeSockets();
      const remainingBudgetMs = Math.max(0, endsAt - Date.now());
      const channels = registry === undefined ? [] : await this.#channelStates(registry);
      metrics.publish({ summary, channels, invocations, remainingBudgetMs, isTail });
    }
  }

  /** Retries once if a login was refused and a secret has changed: a password may have been rotated since it was read. */
  async #runWithNewSecrets(
    registry: PollerRegistry,
    run: (registry: PollerRegistry) => Promise<DrainSummary>,
  ): Promise<DrainSummary> {
    const first = await run(registry).catch((error: unknown) => {
      if (!isRefusedLogin(error)) throw error;
      return error;
    });
    if (!(first instanceof BackgroundConsumerError) && !hasRefusedLogin(first)) return first;
    const fresh = await this.#registry({ isFresh: true });
    if (!areSameRedisPools(registry, fresh)) return run(fresh);
    if (first instanceof BackgroundConsumerError) throw first;
    return first;
  }

  async #status(): Promise<StatusReply> {
    const { configuration, secrets } = this.#services;
    const executor = this.#executor(new InvocationCounts());
    const redisPools = Object.entries(configuration.redisPools).map(
      // Fresh, because the operator may have just changed a password.
      ([code, pool]) => [code, () => resolveRedisPool(code, pool, secrets, { isFresh: true })] as const,
    );
    try {
      return await readStatus({
        registry: { streams: deployedStreams(configuration) },
        redisPools: new Map(redisPools),
        mysqlPools: configuration.mysqlPools,
        executor,
        channels: this.#channels,
      });
    } finally {
      executor.close();
      this.#ownStreams.closeSockets();
    }
  }

  /** Used only for metrics. A pool that fails or is slow is omitted, because the drain has already reported it. */
  async #channelStates(registry: PollerRegistry): Promise<ChannelState[]> {
    const states = [...registry.redisPools.values()].map((pool) =>
      Promise.race([
        readChannelStates(pool, registry, this.#channels),
        sleep(CHANNEL_STATES_TIMEOUT_MS, []),
      ]).catch(() => []),
    );
    return (await Promise.all(states)).flat();
  }

  #registry(options: { readonly isFresh: boolean }): Promise<PollerRegistry> {
    return resolveRegistry(this.#services.configuration, this.#services.secrets, options);
  }

  #executor(invocations: InvocationCounts): LambdaExecutor {
    const { configuration, clientConfig } = this.#services;
    return new LambdaExecutor({
      functionName: configuration.executor,
      concurrency: configuration.lazyConcurrency + SPARE_REQUESTS,
      onInvocation: invocations.add,
      ...(clientConfig === undefined ? {} : { clientConfig }),
    });
  }

  #pollerOptions(registry: PollerRegistry, executor: LambdaExecutor): PollerOptions {
    const { configuration, logger } = this.#services;
    return {
      registry,
      executor,
      logger,
      createOrdering: () => createOrdering(configuration.ordering),
      limits: {
        lanes: configuration.lazyConcurrency,
        batchItems: configuration.batchItems,
        batchBytes: BATCH_BYTES,
      },
      channels: this.#channels,
      lockTtlMs: LOCK_TTL_MS,
    };
  }
}

function isRefusedLogin(error: unknown): error is BackgroundConsumerError {
  return error instanceof BackgroundConsumerError && error.code === 'redis-authentication';
}

function hasRefusedLogin({ channels }: DrainSummary): boolean {
  return Object.values(channels).some(({ error }) => error?.code === 'redis-authentication');
}

/** Replaces errors by their codes, because an error message may quote a server's message and with it data of a row. */
function loggable({ complete, reason, seconds, channels, message }: DrainSummary): object {
  const counts = Object.entries(channels).map(([name, { error, ...channel }]) => [
    name,
    error === undefined ? channel : { ...channel, error: error.code },
  ]);
  // The message about a held lock names its holder. Other messages may quote a server's message.
  const detail = reason === 'locked' && message !== undefined ? { detail: message } : {};
  return { complete, reason, ...detail, seconds, channels: Object.fromEntries(counts) };
}
