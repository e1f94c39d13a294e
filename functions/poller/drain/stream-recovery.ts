import { errorFields } from '../../../shared/logging.ts';
import { type DrainBudget, pause } from '../budget.ts';
import type { PollerOptions } from '../poller-options.ts';
import { redisErrorCode } from '../redis/error-code.ts';
import { restoreGroup } from '../redis/restore-group.ts';
import { LOCK_LOST } from '../redis/script.ts';
import { ensureGroup, type RedisSession } from '../redis/session.ts';
import { SET_BACK } from '../redis/stream-reads.ts';
import type { StreamDrain } from './stream-drain.ts';

/** A drain that does not wait for new entries gives up a stream that has failed for this long. */
const GIVEN_UP_MS = 3000;

/** A stream without an error for this long has recovered: its next error is a first one. */
const RECOVERED_MS = 10_000;

export interface StreamRecoveryOptions {
  readonly poller: PollerOptions;
  readonly session: RedisSession;
  readonly budget: DrainBudget;
  readonly isTail: boolean;
}

interface Trouble {
  readonly sinceMs: number;
  lastMs: number;
  attempts: number;
  message: string;
}

/** Deals with errors of single streams: the stream starts again after growing pauses, and the others continue. */
export class StreamRecovery {
  readonly #options: StreamRecoveryOptions;
  readonly #troubles = new Map<string, Trouble>();

  constructor(options: StreamRecoveryOptions) {
    this.#options = options;
  }

  /** Streams that cannot be read now, and why. */
  get failures(): ReadonlyMap<string, string> {
    const isCurrent = ({ lastMs }: Trouble) => Date.now() - lastMs < RECOVERED_MS;
    const current = [...this.#troubles].filter(([, trouble]) => isCurrent(trouble));
    return new Map(current.map(([name, { message }]) => [name, message]));
  }

  /**
   * True once the stream may be read again; false if it cannot be read in this drain.
   * @throws the error itself if it is not the stream's own, or if only a new epoch can deal with it
   */
  async recover(name: string, error: unknown, stream: StreamDrain): Promise<boolean> {
    const { session, budget } = this.#options;
    const code = redisErrorCode(error);
    if (code === LOCK_LOST || code === SET_BACK || session.redis.status !== 'ready') throw error;
    if (!(await this.#pauseAfter(name, error))) return false;
    const group = session.groups.get(name);
    if (code !== 'NOGROUP' || group === undefined || !budget.mayRead) return true;
    // Which entries were pending is not known: a new session creates the group, and compares its position with the ledger.
    if (stream.lastRead === undefined) throw error;
    try {
      stream.continueAfter(await restoreGroup(session.redis, group, stream.lastRead, stream.idsInHand));
      return true;
    } catch (next) {
      return this.recover(name, next, stream);
    }
  }

  /** For a stream that could not be read when the session began: true once it can be, which takes a new session. */
  async untilReadable(name: string, error: unknown): Promise<boolean> {
    const { session, budget } = this.#options;
    const group = session.groups.get(name);
    for (let last = error; group !== undefined && budget.mayRead; ) {
      if (!(await this.#pauseAfter(name, last))) return false;
      try {
        await ensureGroup(session.redis, group);
        return true;
      } catch (next) {
        if (session.redis.status !== 'ready') throw next;
        last = next;
      }
    }
    return false;
  }

  async #pauseAfter(name: string, error: unknown): Promise<boolean> {
    const { poller, budget, isTail } = this.#options;
    const trouble = this.#troubleOf(name);
    trouble.message = `stream '${name}' cannot be read: ${String(error)}`;
    if (!budget.mayRead) return true;
    const facts = { stream: name, code: redisErrorCode(error), error: errorFields(error) };
    if (!isTail && Date.now() - trouble.sinceMs > GIVEN_UP_MS) {
      poller.logger.error('stream failed, leaving it to the next drain', facts);
      return false;
    }
    poller.logger.warn('stream failed, restarting the stream', facts);
    await pause(trouble.attempts++, budget.remainingMs);
    return true;
  }

  #troubleOf(name: string): Trouble {
    const now = Date.now();
    const known = this.#troubles.get(name);
    if (known !== undefined && now - known.lastMs < RECOVERED_MS) {
      known.lastMs = now;
      return known;
    }
    const trouble = { sinceMs: now, lastMs: now, attempts: 0, message: '' };
    this.#troubles.set(name, trouble);
    return trouble;
  }
}
