import { ascii } from '../../shared/binary-string.ts';
import type { BatchItem, ItemResult } from '../../shared/protocol.ts';
import { type MysqlSession, ResultCountError } from './session.ts';
import { isStatementError, verdictOn } from './verdict.ts';

/** Bytes of a request beside the statements and the claim: transaction, savepoint, separators. */
export const REQUEST_OVERHEAD_BYTES = 2048;

const SET_SAVEPOINT = ascii('SAVEPOINT statement');
const ROLL_BACK_TO_SAVEPOINT = ascii('ROLLBACK TO SAVEPOINT statement');

/** Runs statements of an open transaction one by one, each with a savepoint, so that those at fault fail alone. */
export class SavepointRunner {
  readonly #session: MysqlSession;
  readonly #maxAllowedPacket: number;

  constructor(session: MysqlSession, maxAllowedPacket: number) {
    this.#session = session;
    this.#maxAllowedPacket = maxAllowedPacket;
  }

  /** Rejects with mysql2's error where it isn't the statement's own. */
  async run(item: BatchItem): Promise<ItemResult | 'deferred'> {
    if (item.sql.length + REQUEST_OVERHEAD_BYTES >= this.#maxAllowedPacket) {
      const message = `the statement of ${item.sql.length} bytes is longer than max_allowed_packet (${this.#maxAllowedPacket} bytes) lets through`;
      return { status: 'failed', code: '1153', message };
    }
    try {
      const [, result] = await this.#session.many([SET_SAVEPOINT, item.sql]);
      return { status: 'applied', insertId: result?.insertId ?? '0' };
    } catch (error) {
      if (!(error instanceof ResultCountError) && !isStatementError(error)) throw error;
      await this.undo();
      if (error instanceof ResultCountError)
        return { status: 'failed', code: 'result-count', message: 'the text holds more than one statement' };
      return verdictOn(item, error);
    }
  }

  /** Undoes the last statement. */
  async undo(): Promise<void> {
    await this.#session.one(ROLL_BACK_TO_SAVEPOINT);
  }
}
