import { ascii } from '../../shared/binary-string.ts';
import type { BatchItem, ItemResult } from '../../shared/protocol.ts';
import { type MysqlSession, ResultCountError } from './session.ts';
import { isServerError, isStatementError, SplitError, verdictOn } from './verdict.ts';

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
   * @returns the item's result, or `early` as {@link verdictOn} does
   * @throws mysql2's error if it is not the statement's own, and SplitError if the transaction has no working
   *   savepoint: a statement of the batch writes a table without transactions, or commits
   */
  async run(item: BatchItem): Promise<ItemResult | 'early'> {
    const tooLong = this.checkLength(item);
    if (tooLong !== undefined) return tooLong;
    let isSet = false;
    const onResult = () => {
      isSet = true;
    };
    try {
      const [, result] = await this.#session.many([SET_SAVEPOINT, item.sql], onResult);
      return { status: 'applied', insertId: result?.insertId ?? '0' };
    } catch (error) {
      const verdict = ownVerdict(item, error);
      if (!isSet && isServerError(error)) throw new SplitError('singles');
      if (verdict === undefined) throw error;
      await this.undoLast();
      return verdict;
    }
  }

  /** The failure of an item that is too long for a request of its own, otherwise undefined. */
  checkLength({ sql }: BatchItem): ItemResult | undefined {
    if (sql.length + REQUEST_OVERHEAD_BYTES < this.#maxAllowedPacket) return undefined;
    const message = `the statement (${sql.length} bytes) exceeds max_allowed_packet (${this.#maxAllowedPacket} bytes)`;
    return { status: 'failed', code: PACKET_TOO_LARGE, message };
  }

  /** Undoes the last statement, whether it failed or not. Throws like {@link run}. */
  async undoLast(): Promise<void> {
    try {
      await this.#session.one(ROLL_BACK_TO_SAVEPOINT);
    } catch (error) {
      throw isServerError(error) ? new SplitError('singles') : error;
    }
  }
}

/** The result of an item that failed by its own fault, as {@link verdictOn} has it; undefined if it did not. */
export function ownVerdict(item: BatchItem, error: unknown): ItemResult | 'early' | undefined {
  if (error instanceof ResultCountError)
    return { status: 'failed', code: 'result-count', message: 'the text holds more than one statement' };
  return isStatementError(error) ? verdictOn(item, error) : undefined;
}
