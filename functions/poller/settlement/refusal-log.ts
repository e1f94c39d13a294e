import { withNextStep } from '../../../shared/errors.ts';
import type { Logger } from '../../../shared/logging.ts';
import { describeRefusal, isRefusalOfServer, type RefusedCommand } from '../redis/refusals.ts';

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

  /** Describes each refusal, with its next step. */
  get messages(): readonly string[] {
    return [...this.#messages.values()];
  }
}
