import type { BinaryString } from '../../shared/binary-string.ts';
import type {
  BatchItem,
  BatchOutcome,
  BatchRequest,
  Deferral,
  ExecutorReply,
  ItemResult,
} from '../../shared/protocol.ts';
import { BatchClaim } from './batch-claim.ts';
import { classifyError, isMysqlError, messageOf } from './error-classes.ts';
import {
  gatherInserts,
  groupInserts,
  hasSeveralTables,
  type SentStatement,
  splitGathered,
  splitResult,
} from './insert-grouping.ts';
import type { LedgerSql } from './ledger-sql.ts';
import { ownVerdict, REQUEST_OVERHEAD_BYTES, SavepointRunner } from './savepoint-runner.ts';
import { type MysqlSession, ResultCountError, type StatementResult, type UntilFailure } from './session.ts';
import type { SessionFacts } from './session-set-up.ts';
import { matchesPrediction, type PredictedOutcome, predictOutcome } from './stored-outcome.ts';
import type { TableLinks } from './table-links.ts';
import {
  DeferredItemError,
  interpretError,
  isServerError,
  isStatementError,
  SplitError,
  verdictOn,
} from './verdict.ts';

/** One of the batch's statements has deleted the batch's own ledger row. */
class ClaimGoneError extends Error {
  override readonly name = 'ClaimGoneError';
}

const TOUCHES_LEDGER: ItemResult = {
  status: 'failed',
  code: 'touches-ledger',
  message: 'the statement deletes the ledger row of its own batch',
};

/** A predicted outcome that was sent with the statements. */
interface SentPrediction {
  readonly predicted: PredictedOutcome;
  /** The result of recording it; undefined if a statement before it failed. */
  readonly record: StatementResult | undefined;
}

/** Called after each step. Tests kill or delay the executor here; in production it does nothing. */
export type ExecutorFailpoint = (
  point: 'claimed' | 'executed' | 'recorded' | 'committed',
) => void | Promise<void>;

/**
 * Runs one batch in one transaction: either all of it takes effect, with its ledger row, or nothing does. A batch
 * passes through these states:
 *
 * 1. *claimed*: START TRANSACTION and the claim have succeeded. The claim also checks the fence and locks it in share
 *    mode. If the claim is not granted, the batch ends here: it is rolled back, and the ledger says what to reply.
 * 2. *executed*: every statement has a result, or the batch has stopped before the first one that must wait for earlier
 *    statements of the pool (`early`).
 * 3. *recorded*: the ledger row holds the results.
 * 4. *committed*: COMMIT, sent in a separate request, has been confirmed.
 *
 * The batch may start over at 1, after a rollback, in a slower way of running its statements:
 *
 * - *gathered* (inserts joined by table), if the batch inserts into several tables. Any failure leads to *together*.
 * - *together*: as many statements per request as succeed. A wrong number of results leads to *one by one*.
 * - *one by one*, each with a savepoint. If the ledger row is gone when the results are recorded, the batch runs one by
 *   one again and checks the row after each statement. A batch of one item needs no savepoint: it runs *alone*.
 *
 * If an item cannot run now, the batch is rolled back, and starts over with the items before that one. They commit with
 * the batch's ledger row; the item and those after it have no result. (The rollback of one statement would not do: an
 * error that is not known to undo just the statement may have undone more, such as the claim.)
 *
 * If the batch cannot run as one transaction (it is too large for a limit of the server, or a savepoint does not work),
 * it is rolled back, and the reply is `split`.
 *
 * The claim comes before the statements. Otherwise the retry of a committed batch would trip over the user's unique key
 * instead of its own claim, and report a failure that never happened.
 *
 * If the claim fails or the connection is lost, `run` rejects and leaves the transaction open: `MysqlExecutor` rolls it
 * back, or drops the connection.
 */
export class BatchTransaction {
  readonly #session: MysqlSession;
  readonly #facts: SessionFacts;
  readonly #request: BatchRequest;
  readonly #claim: BatchClaim;
  readonly #failpoint: ExecutorFailpoint;
  readonly #savepoints: SavepointRunner;
  #isClaimed = false;

  constructor(
    session: MysqlSession,
    facts: SessionFacts,
    ledgerSql: LedgerSql,
    request: BatchRequest,
    failpoint: ExecutorFailpoint,
  ) {
    this.#session = session;
    this.#facts = facts;
    this.#request = request;
    this.#claim = new BatchClaim(session, ledgerSql, request);
    this.#failpoint = failpoint;
    this.#savepoints = new SavepointRunner(session, facts.maxAllowedPacket);
  }

  /**
   * @returns `done` with the results; `refused`, `void` or `split` if nothing was or will be applied; an error after
   *   which the request can be sent again
   * @throws mysql2's error if the claim failed or the connection is lost, and an Error if the number belongs to another
   *   batch
   */
  async run(): Promise<ExecutorReply> {
    let deferred: Deferral | undefined;
    let count = this.#request.items.length;
    for (;;) {
      try {
        const reply = await this.#runFirst(count);
        const isDeferred = reply.status === 'done' && deferred !== undefined;
        return isDeferred && reply.outcome.results.length === count ? { ...reply, deferred } : reply;
      } catch (error) {
        if (!this.#isClaimed || !this.#session.canRollBack) throw error;
        await this.#rollBack();
        if (!(error instanceof DeferredItemError)) return toReply(error);
        count = error.index;
        deferred = error.deferral;
      }
    }
  }

  /** Runs the first `count` items, of which there may be none. */
  async #runFirst(count: number): Promise<ExecutorReply> {
    const items = this.#request.items.slice(0, count);
    // Text that isn't understood might hold several statements: results then don't show which statement failed.
    const areUnderstood = items.every(({ isUnderstood }) => isUnderstood);
    try {
      const fitsOneRequest = areUnderstood && this.#fitsPacket(items);
      const reply = fitsOneRequest
        ? ((await this.#runGathered(items)) ?? (await this.#runTogether(items)))
        : undefined;
      return reply ?? (await this.#runSeparately(items, false));
    } catch (error) {
      if (!(error instanceof ClaimGoneError)) throw error;
      return this.#runSeparately(items, true);
    }
  }

  /** Undefined if there is nothing to gather, or if anything failed: nothing was applied then. */
  async #runGathered(items: readonly BatchItem[]): Promise<ExecutorReply | undefined> {
    const { exactOrder } = this.#request;
    const { increment } = this.#facts;
    if (exactOrder === true || !hasSeveralTables(items)) return undefined;
    const sent = gatherInserts(items, await this.#readLinks());
    if (sent === undefined) return undefined;
    return this.#undoWrongCount(async () => {
      const begun = await this.#begin(sent);
      if ('reply' in begun) return begun.reply;
      const { results, error } = begun;
      if (error === undefined) return this.#finish(splitGathered(sent, results, increment));
      if (!isServerError(error)) throw error;
      // The links may be outdated: a foreign key of which they know nothing fails every gathered batch.
      if (classifyError(error) === 'dependent') this.#facts.tableLinks.forget();
      await this.#rollBack();
      return undefined;
    });
  }

  /** Without strict mode nothing is joined: MySQL treats wrong values differently in multi-row inserts then. */
  async #readLinks(): Promise<TableLinks | undefined> {
    const { items, token } = this.#request;
    const mayJoin =
      this.#facts.isStrict && items.length > 1 && items.some(({ table }) => table !== undefined);
    return mayJoin ? this.#facts.tableLinks.read(this.#session, token) : undefined;
  }

  /**
   * Undefined if the number of results is wrong, because a statement swallowed or added one: nothing was applied then.
   */
  async #runTogether(items: readonly BatchItem[]): Promise<ExecutorReply | undefined> {
    if (items.length === 0) return undefined;
    const sent = groupInserts(items, await this.#readLinks());
    const predicted = predictOutcome(sent, this.#facts.increment);
    const records = predicted === undefined ? [] : [this.#claim.recordPredicted(predicted)];
    return this.#undoWrongCount(async () => {
      const begun = await this.#begin(sent, records);
      if ('reply' in begun) return begun.reply;
      const record = begun.results[sent.length];
      const results = await this.#runRemaining(sent, {
        ...begun,
        results: begun.results.slice(0, sent.length),
      });
      return this.#finish(results, predicted === undefined ? undefined : { predicted, record });
    });
  }

  /**
   * Sends the claim, the statements and `records` in one request. MySQL stops at the first that fails.
   *
   * @returns how far the request came after the claim, or the `reply` if the claim was not granted
   */
  async #begin(
    sent: readonly SentStatement[],
    records: readonly BinaryString[] = [],
  ): Promise<UntilFailure | { readonly reply: ExecutorReply }> {
    const statements = [this.#claim.insert, ...sent.map(({ sql }) => sql), ...records];
    const { results, error } = await this.#session.beginUntilFailure(statements);
    const [claim, ...rest] = results;
    if (claim?.affectedRows !== 1) return { reply: await this.#claim.replyInstead(error) };
    this.#isClaimed = true;
    await this.#failpoint('claimed');
    return { results: rest, error };
  }

  async #undoWrongCount(run: () => Promise<ExecutorReply | undefined>): Promise<ExecutorReply | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ResultCountError)) throw error;
      await this.#rollBack();
      return undefined;
    }
  }

  /**
   * Continues after each statement that failed by its own fault, in a new request: InnoDB has undone that statement
   * alone, and has kept those before it. Inserts that failed as one multi-row insert are run again one by one, for
   * whatever reason they failed.
   *
   * @returns one result for each item, or fewer if an item must wait for earlier statements of the pool
   */
  async #runRemaining(sent: readonly SentStatement[], first: UntilFailure): Promise<ItemResult[]> {
    const itemResults: ItemResult[] = [];
    let remaining = sent;
    let { results, error } = first;
    for (;;) {
      for (const [index, result] of results.entries()) {
        const statement = remaining[index];
        if (statement !== undefined)
          itemResults.push(...splitResult(statement, result, this.#facts.increment));
      }
      if (error === undefined) return itemResults;
      const failed = remaining[results.length];
      const isJoined = failed !== undefined && failed.items.length > 1;
      if (!(isJoined ? isServerError(error) : isStatementError(error)))
        throw failed === undefined ? error : this.#interpret(error, itemResults.length);
      for (const item of failed?.items ?? []) {
        const result =
          isStatementError(error) && !isJoined
            ? verdictOn(item, error)
            : await this.#runAfterSavepoint(item, itemResults.length);
        if (result === 'early') return itemResults;
        itemResults.push(result);
      }
      remaining = remaining.slice(results.length + 1);
      if (remaining.length === 0) return itemResults;
      ({ results, error } = await this.#session.untilFailure(remaining.map(({ sql }) => sql)));
    }
  }

  /** @param checksClaim undoes and fails each statement that deletes the batch's ledger row */
  #runSeparately(items: readonly BatchItem[], checksClaim: boolean): Promise<ExecutorReply> {
    const [only] = items;
    const isAlone = only !== undefined && this.#request.items.length === 1;
    return isAlone ? this.#runAlone(only, checksClaim) : this.#runOneByOne(items, checksClaim);
  }

  async #runOneByOne(items: readonly BatchItem[], checksClaim: boolean): Promise<ExecutorReply> {
    const replyInstead = await this.#claimAlone();
    if (replyInstead !== undefined) return replyInstead;
    const results: ItemResult[] = [];
    for (const item of items) {
      const result = await this.#runAfterSavepoint(item, results.length);
      if (result === 'early') break;
      const deletesClaim = checksClaim && !(await this.#claim.exists());
      if (deletesClaim) await this.#savepoints.undoLast();
      results.push(deletesClaim ? TOUCHES_LEDGER : result);
    }
    return this.#finish(results);
  }

  /** @param index of the item in the batch */
  async #runAfterSavepoint(item: BatchItem, index: number): Promise<ItemResult | 'early'> {
    try {
      return await this.#savepoints.run(item);
    } catch (error) {
      throw this.#interpret(error, index);
    }
  }

  /**
   * Runs a batch of one item without savepoints, so that it does not need them to work: what fails is rolled back, and
   * its failure is recorded in a second transaction.
   */
  async #runAlone(item: BatchItem, checksClaim: boolean): Promise<ExecutorReply> {
    const tooLong = this.#savepoints.checkLength(item);
    let replyInstead = await this.#claimAlone();
    if (replyInstead !== undefined) return replyInstead;
    const result = tooLong ?? (await this.#runUnprotected(item));
    const deletesClaim = checksClaim && !(await this.#claim.exists());
    if (result !== 'early' && result.status === 'applied' && !deletesClaim) return this.#finish([result]);
    await this.#rollBack();
    replyInstead = await this.#claimAlone();
    if (replyInstead !== undefined) return replyInstead;
    if (deletesClaim) return this.#finish([TOUCHES_LEDGER]);
    return this.#finish(result === 'early' ? [] : [result]);
  }

  async #runUnprotected(item: BatchItem): Promise<ItemResult | 'early'> {
    try {
      const { insertId } = await this.#session.one(item.sql);
      return { status: 'applied', insertId };
    } catch (error) {
      const verdict = ownVerdict(item, error);
      if (verdict === undefined) throw this.#interpret(error, 0);
      return verdict;
    }
  }

  #interpret(error: unknown, index: number): unknown {
    return interpretError(error, index, this.#request.items.length);
  }

  /** Undefined if the claim was granted, otherwise the reply. */
  async #claimAlone(): Promise<ExecutorReply | undefined> {
    try {
      const [claim] = await this.#session.begin([this.#claim.insert]);
      if (claim?.affectedRows !== 1) return await this.#claim.replyInstead();
      this.#isClaimed = true;
      await this.#failpoint('claimed');
      return undefined;
    } catch (error) {
      return this.#claim.replyInstead(error);
    }
  }

  /** Records the results, unless they were recorded as predicted, and commits. */
  async #finish(results: ItemResult[], sent?: SentPrediction): Promise<ExecutorReply> {
    await this.#failpoint('executed');
    const outcome: BatchOutcome = { increment: this.#facts.increment, results };
    const isRecorded =
      sent?.record !== undefined && matchesPrediction(sent.predicted, outcome, sent.record.insertId)
        ? sent.record.affectedRows === 1
        : await this.#claim.record(outcome);
    if (!isRecorded) {
      await this.#rollBack();
      throw new ClaimGoneError(`the claim of batch ${this.#request.number} is gone`);
    }
    await this.#failpoint('recorded');
    await this.#session.commit();
    await this.#failpoint('committed');
    return { status: 'done', outcome };
  }

  async #rollBack(): Promise<void> {
    this.#isClaimed = false;
    await this.#session.rollback();
  }

  #fitsPacket(items: readonly BatchItem[]): boolean {
    const bytes = items.reduce((sum, item) => sum + item.sql.length + 1, this.#claim.insert.length);
    return bytes + REQUEST_OVERHEAD_BYTES < this.#facts.maxAllowedPacket;
  }
}

/** The reply after an error that no item caused, such as one of the UPDATE that records the results, or of COMMIT. */
function toReply(error: unknown): ExecutorReply {
  if (error instanceof SplitError) return { status: 'split', into: error.into };
  if (!isMysqlError(error)) throw error;
  const code = String(error.errno ?? error.code ?? 'mysql');
  return { status: 'error', kind: 'transient', code, message: messageOf(error), isAfterClaim: true };
}
