import { escapeId, escape as quote } from 'mysql2';
import { asBinary, type BinaryString, bytesToBinary, textToBinary } from '../../shared/binary-string.ts';
import type { BatchKey, BatchOutcome, BatchRequest, LedgerRow } from '../../shared/protocol.ts';
import { type StatementResult, toBytes } from './session.ts';
import { decodeOutcome, encodeOutcome, type PredictedOutcome } from './stored-outcome.ts';

/** Whose rows of the ledger are meant. */
export interface LedgerOwner {
  readonly consumer: string;
  readonly pool: string;
}

/** A row of `batches` as it is found when its number is taken already. */
export interface FoundBatch {
  readonly state: 'done' | 'void';
  readonly hash: string;
  readonly outcome: BatchOutcome;
}

const NO_OUTCOME: BatchOutcome = { increment: 1, results: [] };

/**
 * The SQL of the ledger: a database of its own on each MySQL server, for BeeORM's schema update drops tables that it
 * doesn't know. `fence` holds the running epoch of each consumer and MySQL pool, `batches` a row for each batch, written
 * in the batch's own transaction.
 */
export class LedgerSql {
  readonly database: string;
  readonly #fence: string;
  readonly #batches: string;

  constructor(database: string) {
    this.database = database;
    this.#fence = `${escapeId(database, true)}.fence`;
    this.#batches = `${escapeId(database, true)}.batches`;
  }

  /**
   * Statements that make the ledger where it is missing; harmless where it is not. The fence comes last: it is what is
   * looked for, so who is killed in between leaves a ledger that the next one completes.
   */
  creation(): BinaryString[] {
    return [
      `CREATE DATABASE IF NOT EXISTS ${escapeId(this.database, true)}`,
      `CREATE TABLE IF NOT EXISTS ${this.#batches} (
        consumer VARBINARY(64) NOT NULL,
        pool VARBINARY(128) NOT NULL,
        token VARBINARY(64) NOT NULL,
        number INT UNSIGNED NOT NULL,
        hash BINARY(32) NOT NULL,
        state ENUM('claimed', 'done', 'void') NOT NULL,
        entries LONGBLOB NOT NULL,
        results LONGBLOB NOT NULL,
        settled_at TIMESTAMP NULL DEFAULT NULL,
        PRIMARY KEY (consumer, pool, token, number)
      ) ENGINE=InnoDB`,
      `CREATE TABLE IF NOT EXISTS ${this.#fence} (
        consumer VARBINARY(64) NOT NULL,
        pool VARBINARY(128) NOT NULL,
        epoch BIGINT UNSIGNED NOT NULL,
        token VARBINARY(64) NOT NULL,
        pruned_ids LONGBLOB NOT NULL,
        opened_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        PRIMARY KEY (consumer, pool)
      ) ENGINE=InnoDB`,
    ].map(textToBinary);
  }

  /** What an administrator runs where the consumer's account may not make the ledger itself. */
  manualCreation(user: string): string {
    const database = escapeId(this.database, true);
    return `CREATE DATABASE IF NOT EXISTS ${database}; GRANT ALL PRIVILEGES ON ${database}.* TO ${quote(user)}@'%';`;
  }

  readFence(owner: LedgerOwner): BinaryString {
    return textToBinary(`SELECT token, pruned_ids FROM ${this.#fence} WHERE ${this.#ownedBy(owner)}`);
  }

  firstFence(owner: LedgerOwner, token: string): BinaryString {
    const values = [owner.consumer, owner.pool, 1, token, '{}'].map((value) => quote(value)).join(', ');
    return textToBinary(
      `INSERT INTO ${this.#fence} (consumer, pool, epoch, token, pruned_ids) VALUES (${values})`,
    );
  }

  /** Compare-and-set: changes one row only where the fence still holds `seenToken`. */
  advanceFence(owner: LedgerOwner, seenToken: string, token: string): BinaryString {
    return textToBinary(
      `UPDATE ${this.#fence} SET epoch = epoch + 1, token = ${quote(token)}, opened_at = CURRENT_TIMESTAMP
        WHERE ${this.#ownedBy(owner)} AND token = ${quote(seenToken)}`,
    );
  }

  /**
   * One row only where the epoch is `token`'s, kept so until this transaction ends. `SHARE MODE` lets running batches
   * go on beside it; `UPDATE` waits for them, as `writePrunedIds` needs.
   */
  lockFence(owner: LedgerOwner, token: string, mode: 'LOCK IN SHARE MODE' | 'FOR UPDATE'): BinaryString {
    return textToBinary(
      `SELECT pruned_ids FROM ${this.#fence} WHERE ${this.#ownedBy(owner)} AND token = ${quote(token)} ${mode}`,
    );
  }

  writePrunedIds(owner: LedgerOwner, prunedIds: string): BinaryString {
    return textToBinary(
      `UPDATE ${this.#fence} SET pruned_ids = ${quote(prunedIds)} WHERE ${this.#ownedBy(owner)}`,
    );
  }

  /**
   * The fence and the claim in one statement: inserts the batch's row where the epoch is still the request's own (and
   * keeps it so until this transaction ends, by the share lock), nothing where it is another. Error 1062 where the
   * number is taken; waits while the transaction that took it runs. `LOCK IN SHARE MODE` is what MariaDB and MySQL both
   * understand; `FOR SHARE` is MySQL's alone.
   */
  claim(
    request: Omit<BatchRequest, 'operation' | 'items'>,
    hash: string,
    state: 'claimed' | 'void',
  ): BinaryString {
    const key = [request.consumer, request.pool, request.token].map((value) => quote(value)).join(', ');
    return asBinary(`INSERT INTO ${this.#batches} (consumer, pool, token, number, hash, state, entries, results)
      SELECT ${textToBinary(key)}, ${request.number}, x'${hash}', '${state}', ${literal(request.entries)}, ''
      FROM ${this.#fence} WHERE ${textToBinary(this.#ownedBy(request))} AND token = ${quote(request.token)}
      LOCK IN SHARE MODE`);
  }

  /** Records what the batch did; finds exactly one row, or the claim is not ours. */
  record(owner: LedgerOwner, key: BatchKey, outcome: BatchOutcome): BinaryString {
    return this.#record(owner, key, literal(textToBinary(encodeOutcome(outcome))));
  }

  /** The same before the outcome is known, right after its only insert. */
  recordPredicted(owner: LedgerOwner, key: BatchKey, { before, after }: PredictedOutcome): BinaryString {
    const results =
      after === undefined ? quote(before) : `CONCAT(${quote(before)}, LAST_INSERT_ID(), ${quote(after)})`;
    return this.#record(owner, key, results);
  }

  #record(owner: LedgerOwner, key: BatchKey, results: string): BinaryString {
    return textToBinary(
      `UPDATE ${this.#batches} SET state = 'done', results = ${results}
        WHERE ${this.#ownedBy(owner)} AND ${only([key])} AND state <> 'void'`,
    );
  }

  find(owner: LedgerOwner, key: BatchKey): BinaryString {
    return textToBinary(
      `SELECT hash, state, results FROM ${this.#batches} WHERE ${this.#ownedBy(owner)} AND ${only([key])}`,
    );
  }

  /** Rows of other epochs than `token`'s, in the order of their keys. */
  page(owner: LedgerOwner, token: string, after: BatchKey | null, limit: number): BinaryString {
    const start = after === null ? '' : ` AND (token, number) > (${quote(after.token)}, ${after.number})`;
    return textToBinary(
      `SELECT token, number, state, entries, results,
        CAST(TIMESTAMPDIFF(SECOND, settled_at, CURRENT_TIMESTAMP) AS CHAR) AS settled_seconds
        FROM ${this.#batches} WHERE ${this.#ownedBy(owner)} AND token <> ${quote(token)}${start}
        ORDER BY token, number LIMIT ${limit}`,
    );
  }

  markSettled(owner: LedgerOwner, keys: readonly BatchKey[], isSettled: boolean): BinaryString {
    const value = isSettled ? 'COALESCE(settled_at, CURRENT_TIMESTAMP)' : 'NULL';
    return textToBinary(
      `UPDATE ${this.#batches} SET settled_at = ${value} WHERE ${this.#ownedBy(owner)} AND ${only(keys)}`,
    );
  }

  forget(owner: LedgerOwner, keys: readonly BatchKey[]): BinaryString {
    return textToBinary(`DELETE FROM ${this.#batches} WHERE ${this.#ownedBy(owner)} AND ${only(keys)}`);
  }

  #ownedBy(owner: LedgerOwner): string {
    return `consumer = ${quote(owner.consumer)} AND pool = ${quote(owner.pool)}`;
  }
}

export function toFoundBatch(result: StatementResult): FoundBatch | undefined {
  const row = result.rows[0];
  if (row === undefined) return undefined;
  return {
    state: toState(row['state']),
    hash: toBytes(row['hash']).toString('hex'),
    outcome: toOutcome(row),
  };
}

export function toLedgerRow(row: Record<string, unknown>): LedgerRow {
  const seconds = row['settled_seconds'];
  return {
    token: toBytes(row['token']).toString('latin1'),
    number: Number(row['number']),
    state: toState(row['state']),
    entries: bytesToBinary(toBytes(row['entries'])),
    outcome: toOutcome(row),
    settledSeconds: seconds === null ? null : Number(seconds),
  };
}

function toState(value: unknown): 'done' | 'void' {
  return value === 'void' ? 'void' : 'done';
}

function toOutcome(row: Record<string, unknown>): BatchOutcome {
  const text = toBytes(row['results']).toString('utf8');
  return text === '' ? NO_OUTCOME : decodeOutcome(text);
}

/** Bytes as a literal: written in hexadecimal they need no escaping, which takes longer than all else in a batch. */
function literal(bytes: BinaryString): string {
  return `x'${Buffer.from(bytes, 'latin1').toString('hex')}'`;
}

/** A condition on the primary key that MariaDB and MySQL both answer by it (row constructors in IN may scan). */
function only(keys: readonly BatchKey[]): string {
  const numbers = new Map<string, number[]>();
  for (const key of keys) {
    const list = numbers.get(key.token);
    if (list === undefined) numbers.set(key.token, [key.number]);
    else list.push(key.number);
  }
  const parts = [...numbers].map(
    ([token, list]) => `(token = ${quote(token)} AND number IN (${list.join(', ')}))`,
  );
  return `(${parts.join(' OR ')})`;
}
