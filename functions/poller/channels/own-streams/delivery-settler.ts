import type { Logger } from '../../../../shared/logging.ts';
import type { DeadLetterWrite } from '../../redis/settle-script.ts';
import type { StreamEntry } from '../../redis/stream-entry.ts';
import type { SettlementContext } from '../../settlement/acknowledge.ts';
import { deadLetterOf } from '../../settlement/dead-letter-entry.ts';
import { DEAD_LETTERED, type EntryOutcome, SETTLED, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { StreamBinding } from './binding.ts';
import type { HandlerFailure } from './entry-handler.ts';

/** Settles the entries of one binding. An entry stays pending if it cannot be settled. */
export class DeliverySettler {
  readonly #binding: StreamBinding;
  readonly #context: SettlementContext;
  readonly #logger: Logger;

  constructor(binding: StreamBinding, context: SettlementContext & { readonly logger: Logger }) {
    this.#binding = binding;
    this.#context = context;
    this.#logger = context.logger;
  }

  acknowledge({ id }: StreamEntry): Promise<EntryOutcome> {
    return this.#settle(id, undefined, SETTLED);
  }

  /** Moves the entry to the dead letters, or drops it if the binding turns dead letters off. */
  reject(entry: StreamEntry, attempts: number, failure: HandlerFailure): Promise<EntryOutcome> {
    const { stream, group, deadLetters } = this.#binding;
    const facts = { stream, group, entry: entry.id, code: failure.code, attempts };
    if (!deadLetters) {
      this.#logger.warn('entry rejected and dropped', facts);
      return this.#settle(entry.id, undefined, { ...DEAD_LETTERED, isDeadLetter: false });
    }
    this.#logger.warn('entry rejected, moving it to the dead letters', facts);
    const attempted = { ...entry, earlierAttempts: attempts - 1 };
    const deadLetter = deadLetterOf(this.#context.fenced.stream, attempted, group, failure);
    return this.#settle(entry.id, deadLetter, DEAD_LETTERED);
  }

  async #settle(
    id: string,
    deadLetter: DeadLetterWrite | undefined,
    outcome: EntryOutcome,
  ): Promise<EntryOutcome> {
    const { settler, fenced } = this.#context;
    const { stream, group } = fenced;
    const result = await settler.settle({ stream, group, id, cacheKeys: [], publications: [], deadLetter });
    if (result.kind === 'already') return SETTLED;
    return result.kind === 'settled' ? outcome : STAYS_PENDING;
  }
}
