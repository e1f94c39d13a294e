import { withNextStep } from '../../../shared/errors.ts';
import type { Logger } from '../../../shared/logging.ts';
import {
  describeRefusal,
  isRefusalOfServer,
  type RefusedCommand,
  refusalCodeOf,
  refusedCommandOf,
} from '../redis/refusals.ts';

/** Commands that Redis refused during a drain. Logs each distinct one once. */
export class RefusalLog {
  readonly #logger: Logger;
  readonly #messages = new Map<string, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(pool: string, refused: RefusedCommand): void {
    const { command, key, code } = refused;
    // Each entry has other cache keys: one of them stands for all.
    const name = JSON.stringify([pool, code, command, command === 'UNLINK' ? '' : key]);
    if (this.#messages.has(name)) return;
    const { message, nextStep } = describeRefusal(pool, code, refused);
    this.#messages.set(name, withNextStep(message, nextStep));
    const consequence = isRefusalOfServer(code) ? 'retrying' : 'leaving entries pending';
    this.#logger.warn(`Redis refuses a command, ${consequence}`, { pool, command, key, code, nextStep });
  }

  /**
   * Adds an error that a command or a key causes, and that trying again would not end. Returns false for every other error.
   * `fallback` names the command if the error does not.
   */
  addLasting(pool: string, error: unknown, fallback: Omit<RefusedCommand, 'code'>): boolean {
    const code = refusalCodeOf(error);
    if (code === undefined || isRefusalOfServer(code)) return false;
    this.add(pool, refusedCommandOf(error) ?? { ...fallback, code });
    return true;
  }

  /** Describes each refusal, with its next step. */
  get messages(): readonly string[] {
    return [...this.#messages.values()];
  }
}
