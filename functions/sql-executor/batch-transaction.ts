import { createHash } from 'node:crypto';
import type { BinaryString } from '../../shared/binary-string.ts';
import type {
  BatchItem,
  BatchOutcome,
  BatchRequest,
  ExecutorReply,
  ItemResult,
} from '../../shared/protocol.ts';
import { isMysqlError } from './error-classes.ts';
import {
  gatherInserts,
  groupInserts,
  hasSeveralTables,
  type SentStatement,
  splitGathered,
  splitResult,
} from './insert-grouping.ts';
import { type LedgerSql, toFoundBatch } from './ledger-sql.ts';
import { REQUEST_OVERHEAD_BYTES, SavepointRunner } from './savepoint-runner.ts';
import { type MysqlSession, ResultCountError, type StatementResult, type UntilFailure } from './session.ts';
import type { SessionFacts } from './session-set-up.ts';
import { matchesPrediction, type PredictedOutcome, predictOutcome } from './stored-outcome.ts';
import { isStatementError, verdictOn } from './verdict.ts';

const DUPLICATE_ENTRY = 1062;

/** One of the batch's statements has deleted the batch's own row. */
class ClaimGoneError extends Error {
  override readonly name = 'ClaimGoneError';
}

/** What was recorded with the statements, if it came to that. */
interface Recorded {
  readonly predicted: PredictedOutcome;
  readonly record: StatementResult | undefined;
}

/** Where the executor may be killed or held up by a test; does nothing otherwise. */
export type ExecutorFailpoint = (
  point: 'claimed' | 'executed' | 'recorded' | 'committed',
) => void | Promise<void>;

/**
 * Runs a batch in one transaction: fence and claim first, then the statements, then the claim's results, then COMMIT as
 * a request of its own. All of it takes effect, or nothing.
 *
 * The claim stands before the statements: a retry of a batch that has committed meets its own claim, not the user's
 * unique key, which it would take for the user's fault.
 */
export class BatchTransaction {
  readonly #session: MysqlSession;
  readonly #facts: SessionFacts;
  readonly #ledgerSql: LedgerSql;
  readonly #request: BatchRequest;
  readonly #claim: BinaryString;
  readonly #hash: string;
  readonly #failpoint: ExecutorFailpoint;
  readonly #alone: SavepointRunner;

  constructor(
    session: MysqlSession,
    facts: SessionFacts,
    ledgerSql: LedgerSql,
    request: BatchRequest,
    failpoint: ExecutorFailpoint,
  ) {
    this.#session = session;
    this.#facts = facts;
    this.#ledgerSql = ledgerSql;
    this.#request = request;
    this.#hash = contentHash(request);
    this.#claim = ledgerSql.claim(request, this.#hash, 'claimed');
    this.#failpoint = failpoint;
    this.#alone = new SavepointRunner(session, facts.maxAllowedPacket);
  }

  /** Rejects with mysql2's error where the transaction was given up for a reason that is not a statement's own. */
  async run(): Promise<ExecutorReply> {
    const { items } = this.#request;
    // One that isn't understood might hold more than itself: then results don't tell which statement failed.
    const areUnderstood = items.every(({ isUnderstood }) => isUnderstood);
    try {
      const isTogether = areUnderstood && this.#fitsPacket(items);
      const reply = isTogether ? ((await this.#runGathered()) ?? (await this.#runTogether())) : undefined;
      return reply ?? (await this.#runOneByOne(false));
    } catch (error) {
      if (!(error instanceof ClaimGoneError)) throw error;
      return this.#runOneByOne(true);
    }
  }

  /** Inserts gathered by table. Undefined where there is nothing to gather, or anything failed: nothing was applied. */
  async #runGathered(): Promise<ExecutorReply | undefined> {
    const { items, exactOrder } = this.#request;
    const { isStrict, increment } = this.#facts;
    if (exactOrder === true || !hasSeveralTables(items)) return undefined;
    const sent = gatherInserts(items, isStrict, await this.#facts.tableLinks(this.#session));
    if (sent === undefined) return undefined;
    return this.#undoWrongCount(async () => {
      const begun = await this.#begin(sent);
      if ('reply' in begun) return begun.reply;
      const { results, error } = begun;
      if (error === undefined) return this.#finish(splitGathered(sent, results, increment));
      if (!isStatementError(error)) throw error;
      await this.#session.rollback();
      return undefined;
    });
  }

  /**
   * All statements in as few requests as there are failures. Undefined where the count of results doesn't fit: one of the
   * statements swallowed or added to its neighbours; nothing was applied.
   */
  #runTogether(): Promise<ExecutorReply | undefined> {
    const sent = groupInserts(this.#request.items, this.#facts.isStrict);
    const predicted = predictOutcome(sent, this.#facts.increment);
    const records =
      predicted === undefined
        ? []
        : [this.#ledgerSql.recordPredicted(this.#request, this.#request, predicted)];
    return this.#undoWrongCount(async () => {
      const begun = await this.#begin(sent, records);
      if ('reply' in begun) return begun.reply;
      const record = begun.results[sent.length];
      const results = await this.#runOn(sent, { ...begun, results: begun.results.slice(0, sent.length) });
      return this.#finish(results, predicted === undefined ? undefined : { predicted, record });
    });
  }

  /** Claim, statements and record in one request, up to the first that fails; `reply` where the batch is not to run. */
  async #begin(
    sent: readonly SentStatement[],
    records: readonly BinaryString[] = [],
  ): Promise<UntilFailure | { readonly reply: ExecutorReply }> {
    const statements = [this.#claim, ...sent.map(toSql), ...records];
    const { results, error } = await this.#session.beginUntilFailure(statements);
    const [claim, ...rest] = results;
    if (claim?.affectedRows !== 1) return { reply: await this.#refused(error) };
    await this.#failpoint('claimed');
    return { results: rest, error };
  }

  async #undoWrongCount(run: () => Promise<ExecutorReply | undefined>): Promise<ExecutorReply | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ResultCountError)) throw error;
      await this.#session.rollback();
      return undefined;
    }
  }

  /**
   * Goes on after each statement that failed by its own fault: InnoDB has undone that one alone, and what came before it
   * stands. Inserts that failed together are tried one by one.
   */
  async #runOn(sent: readonly SentStatement[], first: UntilFailure): Promise<ItemResult[]> {
    const itemResults: ItemResult[] = [];
    let rest = sent;
    let { results, error } = first;
    for (;;) {
      for (const [index, result] of results.entries()) {
        const statement = rest[index];
        if (statement !== undefined)
          itemResults.push(...splitResult(statement, result, this.#facts.increment));
      }
      if (error === undefined) return itemResults;
      if (!isStatementError(error)) throw error;
      const failed = rest[results.length];
      for (const item of failed?.items ?? []) {
        const result = failed?.items.length === 1 ? verdictOn(item, error) : await this.#alone.run(item);
        if (result === 'deferred') return itemResults;
        itemResults.push(result);
      }
      rest = rest.slice(results.length + 1);
      if (rest.length === 0) return itemResults;
      ({ results, error } = await this.#session.untilFailure(rest.map(toSql)));
    }
  }

  /**
   * In exact order, a savepoint a statement, so that those at fault fail alone. `guardsClaim`: looks after each whether the
   * claim is still there.
   */
  async #runOneByOne(guardsClaim: boolean): Promise<ExecutorReply> {
    const taken = await this.#claimAlone();
    if (taken !== undefined) return taken;
    const results: ItemResult[] = [];
    for (const item of this.#request.items) {
      const result = await this.#alone.run(item);
      if (result === 'deferred') break;
      results.push(guardsClaim && (await this.#isClaimGone()) ? await this.#undoLast() : result);
    }
    return this.#finish(results);
  }

  /** A reply where the batch is not to run: another epoch, or it has run. */
  async #claimAlone(): Promise<ExecutorReply | undefined> {
    try {
      const [claim] = await this.#session.begin([this.#claim]);
      if (claim?.affectedRows !== 1) return await this.#refused();
      await this.#failpoint('claimed');
      return undefined;
    } catch (error) {
      return this.#refused(error);
    }
  }

  async #isClaimGone(): Promise<boolean> {
    const { rows } = await this.#session.one(this.#ledgerSql.find(this.#request, this.#request));
    return rows.length === 0;
  }

  async #undoLast(): Promise<ItemResult> {
    await this.#alone.undo();
    return {
      status: 'failed',
      code: 'touches-ledger',
      message: 'the statement deletes the record of its own batch',
    };
  }

  async #finish(results: ItemResult[], already?: Recorded): Promise<ExecutorReply> {
    await this.#failpoint('executed');
    const outcome: BatchOutcome = { increment: this.#facts.increment, results };
    const isRecorded = already?.record !== undefined && matchesPrediction(already.predicted, outcome);
    const { affectedRows } = isRecorded
      ? already.record
      : await this.#session.one(this.#ledgerSql.record(this.#request, this.#request, outcome));
    if (affectedRows !== 1) {
      await this.#session.rollback();
      throw new ClaimGoneError(`the claim of batch ${this.#request.number} is gone`);
    }
    await this.#failpoint('recorded');
    await this.#session.commit();
    await this.#failpoint('committed');
    return { status: 'done', outcome };
  }

  /** The claim was not to be had: the batch has run (then what it did counts, whatever the epoch), or never will. */
  async #refused(error?: unknown): Promise<ExecutorReply> {
    if (error !== undefined && (!isMysqlError(error) || error.errno !== DUPLICATE_ENTRY)) throw error;
    await this.#session.rollback();
    const found = toFoundBatch(await this.#session.one(this.#ledgerSql.find(this.#request, this.#request)));
    await this.#session.rollback();
    if (found === undefined) return { status: 'refused' };
    if (found.state === 'void') return { status: 'void' };
    if (found.hash !== this.#hash)
      throw new Error(`batch ${this.#request.number} was sent twice with different content`);
    return { status: 'done', outcome: found.outcome };
  }

  #fitsPacket(items: readonly BatchItem[]): boolean {
    const bytes = items.reduce((sum, item) => sum + item.sql.length + 1, this.#claim.length);
    return bytes + REQUEST_OVERHEAD_BYTES < this.#facts.maxAllowedPacket;
  }
}

/** What a batch's number stands for: SHA-256 of its entries and statements, in hexadecimal. */
function contentHash(request: BatchRequest): string {
  const parts: string[] = [request.entries];
  for (const { sql } of request.items) parts.push(`\n${sql.length} `, sql);
  return createHash('sha256').update(parts.join(''), 'latin1').digest('hex');
}

function toSql({ sql }: SentStatement): BinaryString {
  return sql;
}
