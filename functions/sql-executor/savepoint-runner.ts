import { ascii } from '../../shared/binary-string.ts';
import type { BatchItem, ItemResult } from '../../shared/protocol.ts';
import { type MysqlSession, ResultCountError } from './session.ts';
import { isStatementError, verdictOn } from './verdict.ts';

/** Bytes of a request besides the statements and the claim: transaction, savepoint, separators. */
export const REQUEST_OVERHEAD_BYTES = 2048;

const PACKET_TOO_LARGE = '1153';

const SET_SAVEPOINT = ascii('SAVEPOINT statement');
const ROLL_BACK_TO_SAVEPOINT = ascii('ROLLBACK TO SAVEPOINT statement');

/** Runs statements of an open transaction one by one, each after a savepoint, so that each fails alone. */
export class SavepointRunner {
  readonly #session: MysqlSession;
  readonly #maxAllowedPacket: number;

  /** @param maxAllowedPacket in bytes */
  constructor(session: MysqlSession, maxAllowedPacket: number) {
    this.#session = session;
    this.#maxAllowedPacket = maxAllowedPacket;
  }

  /**
   * @returns the item's result, or `deferred` as {@link verdictOn} does
   * @throws mysql2's error if it is not the statement's own
   */
  async run(item: BatchItem): Promise<ItemResult | 'deferred'> {
    if (item.sql.length + REQUEST_OVERHEAD_BYTES >= this.#maxAllowedPacket) {
      const message = `the statement (${item.sql.length} bytes) exceeds max_allowed_packet (${this.#maxAllowedPacket} bytes)`;
      return { status: 'failed', code: PACKET_TOO_LARGE, message };
    }
    try {
      const [, result] = await this.#session.many([SET_SAVEPOINT, item.sql]);
      return { status: 'applied', insertId: result?.insertId ?? '0' };
    } catch (error) {
      if (!(error instanceof ResultCountError) && !isStatementError(error)) throw error;
      await this.undoLast();
      if (error instanceof ResultCountError)
        return { status: 'failed', code: 'result-count', message: 'the text holds more than one statement' };
      return verdictOn(item, error);
    }
  }

  /** Undoes the last statement, whether it failed or not. */
  async undoLast(): Promise<void> {
    await this.#session.one(ROLL_BACK_TO_SAVEPOINT);
  }
}
