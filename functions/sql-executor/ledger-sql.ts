import { escapeId, escape as quote } from 'mysql2';
import { asBinary, type BinaryString, bytesToBinary, textToBinary } from '../../shared/binary-string.ts';
import type { BatchKey, BatchOutcome, BatchRequest, LedgerRow } from '../../shared/protocol.ts';
import { type StatementResult, toBytes } from './session.ts';
import { decodeOutcome, encodeOutcome, type PredictedOutcome } from './stored-outcome.ts';

/** Ledger rows belong to one consumer and one MySQL pool. */
export interface LedgerOwner {
  readonly consumer: string;
  readonly pool: string;
}

/** The ledger row of a batch whose number is already taken. */
export interface FoundBatch {
  readonly state: 'done' | 'void';
  readonly hash: string;
  readonly outcome: BatchOutcome;
}

const NO_OUTCOME: BatchOutcome = { increment: 1, results: [] };

/**
 * Builds the SQL of the ledger. The ledger is a separate database on each MySQL server, because BeeORM's schema update
 * drops tables that it doesn't know. The table `fence` holds the current epoch of each consumer and MySQL pool. The
 * table `batches` holds one row per batch, written in the transaction of the batch. The table `pruned` holds how far rows
 * were deleted, apart from the fence: each batch locks the fence, so pruning must not need more than a share of it.
 */
export class LedgerSql {
  readonly database: string;
  readonly #fence: string;
  readonly #batches: string;
  readonly #pruned: string;

  constructor(database: string) {
    this.database = database;
    this.#fence = `${escapeId(database, true)}.fence`;
    this.#batches = `${escapeId(database, true)}.batches`;
    this.#pruned = `${escapeId(database, true)}.pruned`;
  }

  /**
   * Statements that create the ledger; they change nothing if it exists. `fence` comes last, because its absence
   * triggers the creation: if the executor is killed in between, the next one completes the ledger.
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
      `CREATE TABLE IF NOT EXISTS ${this.#pruned} (
        consumer VARBINARY(64) NOT NULL,
        pool VARBINARY(128) NOT NULL,
        ids LONGBLOB NOT NULL,
        PRIMARY KEY (consumer, pool)
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

  /** The SQL for an administrator to run if the consumer's account is not allowed to create the ledger. */
  manualCreation(user: string): string {
    const database = escapeId(this.database, true);
    return `CREATE DATABASE IF NOT EXISTS ${database}; GRANT ALL PRIVILEGES ON ${database}.* TO ${quote(user)}@'%';`;
  }

  /**
   * Reads one row, or none before the first epoch. A ledger of an older version has recorded in the fence how far it has
   * pruned.
   */
  readFence(owner: LedgerOwner): BinaryString {
    return textToBinary(
      `SELECT token, pruned_ids, (SELECT ids FROM ${this.#pruned} WHERE ${this.#ownedBy(owner)}) AS ids
        FROM ${this.#fence} WHERE ${this.#ownedBy(owner)}`,
    );
  }

  /** Fails with error 1062 if another consumer process has opened the first epoch. */
  firstFence(owner: LedgerOwner, token: string): BinaryString {
    const values = [owner.consumer, owner.pool, 1, token, '{}'].map((value) => quote(value)).join(', ');
    return textToBinary(
      `INSERT INTO ${this.#fence} (consumer, pool, epoch, token, pruned_ids) VALUES (${values})`,
    );
  }

  /** Compare-and-set: changes one row if the fence still holds `seenToken`, otherwise none. */
  advanceFence(owner: LedgerOwner, seenToken: string, token: string): BinaryString {
    return textToBinary(
      `UPDATE ${this.#fence} SET epoch = epoch + 1, token = ${quote(token)}, opened_at = CURRENT_TIMESTAMP
        WHERE ${this.#ownedBy(owner)} AND token = ${quote(seenToken)}`,
    );
  }

  /**
   * Reads one row if the current epoch is `token`'s, otherwise none, and keeps the epoch until the transaction ends. Batches
   * run alongside: a request for more than a share would wait for the running ones, and all others would wait for it.
   */
  shareFence(owner: LedgerOwner, token: string): BinaryString {
    return textToBinary(
      `SELECT 1 FROM ${this.#fence} WHERE ${this.#ownedBy(owner)} AND token = ${quote(token)} LOCK IN SHARE MODE`,
    );
  }

  /** Reads how far rows were deleted: one row, or none. Locks it until the transaction ends. */
  lockPruned(owner: LedgerOwner): BinaryString {
    return textToBinary(`SELECT ids FROM ${this.#pruned} WHERE ${this.#ownedBy(owner)} FOR UPDATE`);
  }

  /** @param ids JSON: by stream, the highest entry ID that the ledger has deleted */
  writePruned(owner: LedgerOwner, ids: string): BinaryString {
    const values = [owner.consumer, owner.pool, ids].map((value) => quote(value)).join(', ');
    return textToBinary(
      `INSERT INTO ${this.#pruned} (consumer, pool, ids) VALUES (${values})
        ON DUPLICATE KEY UPDATE ids = ${quote(ids)}`,
    );
  }

  /**
   * Checks the fence and claims the number in one statement. If the epoch is still the request's, it inserts the ledger
   * row; the share lock keeps the epoch until the transaction ends. In another epoch it inserts nothing. It fails with
   * error 1062 if the number is taken, after waiting for a transaction that has taken it and is still running.
   *
   * `LOCK IN SHARE MODE` works on MariaDB and MySQL; `FOR SHARE` only on MySQL.
   *
   * @param hash 64 hexadecimal digits
   */
  claim(
    request: Omit<BatchRequest, 'operation' | 'items'>,
    hash: string,
    state: 'claimed' | 'void',
  ): BinaryString {
    const key = [request.consumer, request.pool, request.token].map((value) => quote(value)).join(', ');
    return asBinary(`INSERT INTO ${this.#batches} (consumer, pool, token, number, hash, state, entries, results)
      SELECT ${textToBinary(key)}, ${request.number}, x'${hash}', '${state}', ${hexLiteral(request.entries)}, ''
      FROM ${this.#fence} WHERE ${textToBinary(this.#ownedBy(request))} AND token = ${quote(request.token)}
      LOCK IN SHARE MODE`);
  }

  /** Records the batch's outcome. Changes one row, or none if the claim is gone. */
  record(owner: LedgerOwner, key: BatchKey, outcome: BatchOutcome): BinaryString {
    return this.#record(owner, key, hexLiteral(textToBinary(encodeOutcome(outcome))));
  }

  /**
   * Records a predicted outcome. To be run right after the batch's statements, because it stores LAST_INSERT_ID(). With
   * that value as its argument, LAST_INSERT_ID() also makes it the insert ID of the UPDATE, which shows what was stored.
   */
  recordPredicted(owner: LedgerOwner, key: BatchKey, { before, after }: PredictedOutcome): BinaryString {
    const results =
      after === undefined
        ? quote(before)
        : `CONCAT(${quote(before)}, LAST_INSERT_ID(LAST_INSERT_ID()), ${quote(after)})`;
    return this.#record(owner, key, results);
  }

  #record(owner: LedgerOwner, key: BatchKey, results: string): BinaryString {
    return textToBinary(
      `UPDATE ${this.#batches} SET state = 'done', results = ${results}
        WHERE ${this.#ownedBy(owner)} AND ${hasKey([key])} AND state <> 'void'`,
    );
  }

  /** Reads one batch's ledger row, for {@link toFoundBatch}. */
  find(owner: LedgerOwner, key: BatchKey): BinaryString {
    return textToBinary(
      `SELECT hash, state, results FROM ${this.#batches} WHERE ${this.#ownedBy(owner)} AND ${hasKey([key])}`,
    );
  }

  /** Reads ledger rows of all epochs except `token`'s, in the order of their keys, for {@link toLedgerRow}. */
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
      `UPDATE ${this.#batches} SET settled_at = ${value} WHERE ${this.#ownedBy(owner)} AND ${hasKey(keys)}`,
    );
  }

  /** Deletes ledger rows. */
  forget(owner: LedgerOwner, keys: readonly BatchKey[]): BinaryString {
    return textToBinary(`DELETE FROM ${this.#batches} WHERE ${this.#ownedBy(owner)} AND ${hasKey(keys)}`);
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

/** Bytes as a literal. Hexadecimal needs no escaping, which would take longer than everything else in a batch. */
function hexLiteral(bytes: BinaryString): string {
  return `x'${Buffer.from(bytes, 'latin1').toString('hex')}'`;
}

/**
 * A condition that MariaDB and MySQL both evaluate by the primary key. Row constructors in IN may scan the table
 * instead.
 */
function hasKey(keys: readonly BatchKey[]): string {
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
