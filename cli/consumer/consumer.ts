import type { StreamBinding } from '../../functions/poller/channels/own-streams/binding.ts';
import type { DrainOptions } from '../../functions/poller/drain/drain.ts';
import type { DeadLetterOperations } from '../../shared/dead-letter.ts';
import type { AbsentGroups, OrderingRule } from '../../shared/drain-rules.ts';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import type { Logger } from '../../shared/logging.ts';
import type { StatusReply } from '../../shared/operations.ts';
import type { Registry } from '../../shared/registry/registry.ts';
import type { SearchSettings } from '../../shared/search-settings.ts';

export type { DrainOptions };

export interface ConsumerOptions {
  readonly registry: Registry;
  readonly logger: Logger;
  readonly ordering: OrderingRule;
  /** Maximum number of batches of the lazy channel in flight. */
  readonly lazyConcurrency: number;
  /** Database of the ledger on each MySQL server. */
  readonly ledgerDatabase: string;
  /** Verbs that are allowed besides INSERT, UPDATE, DELETE and REPLACE. */
  readonly allowedStatements: readonly string[];
  /** Own streams and their handlers. */
  readonly bindings?: readonly StreamBinding[];
  /** Definitions of search indexes that cannot be derived from Redis and MySQL. */
  readonly search?: SearchSettings;
  /** Default `hold`. */
  readonly absentGroups?: AbsentGroups;
  /**
   * If true, each drain requests garbage collection of the streams that it drains. By default, streams are trimmed only
   * if another program requests it.
   */
  readonly collectsGarbage?: boolean;
  /** Maximum number of statements in a batch. */
  readonly batchSize?: number;
}

/** A consumer: a poller and an SQL executor in this process, or a deployed one. */
export interface Consumer {
  /** @throws BackgroundConsumerError if nothing can be drained */
  drain(options: DrainOptions): Promise<DrainSummary>;
  readonly deadLetters: DeadLetterOperations;
  /** Tries to reach each pool and counts the remaining entries. Changes nothing and takes no lock. */
  status(): Promise<StatusReply>;
  close(): Promise<void>;
}
