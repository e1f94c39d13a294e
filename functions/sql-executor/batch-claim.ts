import { createHash } from 'node:crypto';
import type { BinaryString } from '../../shared/binary-string.ts';
import type { BatchOutcome, BatchRequest, ExecutorReply } from '../../shared/protocol.ts';
import { isDuplicateEntry } from './error-classes.ts';
import { type LedgerSql, toFoundBatch } from './ledger-sql.ts';
import type { MysqlSession } from './session.ts';
import type { PredictedOutcome } from './stored-outcome.ts';

/**
 * The claim of one batch: its ledger row, from the INSERT that takes the batch number to the UPDATE that records the
 * results. All methods run on the session of the batch, and reject with mysql2's error.
 */
export class BatchClaim {
  /** The INSERT that takes the number. It changes one row, or the batch must not run: see {@link replyInstead}. */
  readonly insert: BinaryString;
  readonly #session: MysqlSession;
  readonly #ledgerSql: LedgerSql;
  readonly #request: BatchRequest;
  readonly #hash: string;

  constructor(session: MysqlSession, ledgerSql: LedgerSql, request: BatchRequest) {
    this.#session = session;
    this.#ledgerSql = ledgerSql;
    this.#request = request;
    this.#hash = contentHash(request);
    this.insert = ledgerSql.claim(request, this.#hash, 'claimed');
  }

  /**
   * Rolls back a batch whose claim was not granted, and returns the reply to give instead of running it. If the batch
   * has run already, its recorded outcome counts, whichever epoch it ran in.
   *
   * @param error what the INSERT failed with; undefined if it changed no row. Thrown again unless it is a duplicate
   *   key.
   */
  async replyInstead(error?: unknown): Promise<ExecutorReply> {
    if (error !== undefined && !isDuplicateEntry(error)) throw error;
    await this.#session.rollback();
    const found = toFoundBatch(await this.#session.one(this.#select()));
    await this.#session.rollback();
    if (found === undefined) return { status: 'refused' };
    if (found.state === 'void') return { status: 'void' };
    if (found.hash !== this.#hash)
      throw new Error(`batch ${this.#request.number} was sent twice with different content`);
    return { status: 'done', outcome: found.outcome };
  }

  /** False if a statement of the batch has deleted its ledger row. */
  async exists(): Promise<boolean> {
    const { rows } = await this.#session.one(this.#select());
    return rows.length > 0;
  }

  /** Records the outcome. False if there is no row to record it in. */
  async record(outcome: BatchOutcome): Promise<boolean> {
    const { affectedRows } = await this.#session.one(
      this.#ledgerSql.record(this.#request, this.#request, outcome),
    );
    return affectedRows === 1;
  }

  /** The UPDATE that records a predicted outcome, to be sent in one request with the statements. */
  recordPredicted(predicted: PredictedOutcome): BinaryString {
    return this.#ledgerSql.recordPredicted(this.#request, this.#request, predicted);
  }

  #select(): BinaryString {
    return this.#ledgerSql.find(this.#request, this.#request);
  }
}

/**
 * SHA-256 of the batch's entries and statements, in hexadecimal. A batch number identifies exactly one batch: the hash
 * detects a number that is used for two.
 */
function contentHash(request: BatchRequest): string {
  const parts: string[] = [request.entries];
  for (const { sql } of request.items) parts.push(`\n${sql.length} `, sql);
  return createHash('sha256').update(parts.join(''), 'latin1').digest('hex');
}
