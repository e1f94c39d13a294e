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
  /** Batches of the lazy channel in flight at once, at most. */
  readonly lazyConcurrency: number;
  /** Database on each MySQL server that keeps what was applied. */
  readonly ledgerDatabase: string;
  /** First words of statements that are let through besides INSERT, UPDATE, DELETE and REPLACE. */
  readonly allowedStatements: readonly string[];
  /** Own streams and their handlers. */
  readonly bindings?: readonly StreamBinding[];
  /** What search indexes consist of, where that can't be derived. */
  readonly search?: SearchSettings;
  /** Default `hold`. */
  readonly absentGroups?: AbsentGroups;
  /** Whether drains have the consumer's own streams trimmed. Default: only where somebody else asks for it. */
  readonly collectsGarbage?: boolean;
  /** Statements in a batch, at most. */
  readonly batchSize?: number;
}

/** A poller and an SQL executor in one process. */
export interface Consumer {
  /** @throws BackgroundConsumerError where nothing can be drained at all */
  drain(options: DrainOptions): Promise<DrainSummary>;
  readonly deadLetters: DeadLetterOperations;
  /** Tries each pool and tells what is left; changes nothing, takes no lock. */
  status(): Promise<StatusReply>;
  close(): Promise<void>;
}
