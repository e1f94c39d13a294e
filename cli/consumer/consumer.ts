import type { StreamBinding } from '../../functions/poller/channels/own-streams/binding.ts';
import type { AbsentGroups } from '../../functions/poller/poller-options.ts';
import type { DeadLetterOperations } from '../../shared/dead-letter.ts';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import type { Logger } from '../../shared/logging.ts';
import type { StatusReply } from '../../shared/operations.ts';
import type { Registry } from '../../shared/registry/registry.ts';
import type { SearchSettings } from '../../shared/search-settings.ts';

export type { AbsentGroups };

/** How strictly statements keep the stream's order: see "As if in order" in the documentation of the poller. */
export type Ordering = 'entity' | 'pool';

export interface LocalConsumerOptions {
  readonly registry: Registry;
  readonly logger: Logger;
  readonly ordering: Ordering;
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

export interface DrainOptions {
  readonly budgetMs: number;
  /** Wait for new entries until the budget ends, rather than ending when the streams are empty. */
  readonly tail?: boolean;
  /** Once aborted, what is in flight is finished and nothing more is read. */
  readonly signal?: AbortSignal;
  /** Called every now and then with the counts so far. */
  readonly onProgress?: (summary: DrainSummary) => void;
}

/** A poller and an SQL executor in one process. */
export interface LocalConsumer {
  /** @throws BackgroundConsumerError where nothing can be drained at all */
  drain(options: DrainOptions): Promise<DrainSummary>;
  readonly deadLetters: DeadLetterOperations;
  /** Tries each pool and tells what is left; changes nothing, takes no lock. */
  status(): Promise<StatusReply>;
  close(): Promise<void>;
}
