import { deadLetterStream } from '../../../../shared/dead-letter.ts';
import type { Logger } from '../../../../shared/logging.ts';
import { deadLetterFields } from '../../dead-letters/dead-letter-fields.ts';
import type { Settlement } from '../../redis/settle-script.ts';
import type { StreamEntry } from '../../redis/stream-reads.ts';
import { NOTHING_APPLIED } from '../../settlement/dead-letter-entry.ts';
import { DEAD_LETTERED, type EntryOutcome, SETTLED } from '../../settlement/entry-outcome.ts';
import type { ChannelContext } from '../channel.ts';
import type { StreamBinding } from './binding.ts';
import type { HandlerFailure } from './entry-handler.ts';

/** Acknowledges entries, and sets aside those that are given up. */
export class DeliverySettler {
  readonly #binding: StreamBinding;
  readonly #context: Pick<ChannelContext, 'fenced' | 'settler'>;
  readonly #logger: Logger;

  constructor(binding: StreamBinding, context: Pick<ChannelContext, 'fenced' | 'settler' | 'logger'>) {
    this.#binding = binding;
    this.#context = context;
    this.#logger = context.logger;
  }

  /** Undefined: Redis can't be asked, so that it stays pending. */
  settle({ id }: StreamEntry): Promise<EntryOutcome | undefined> {
    return this.#settle(id, undefined, SETTLED);
  }

  /** Gives the entry up: into the dead letters, unless the binding says that it is to be dropped. */
  moveToDeadLetters(
    entry: StreamEntry,
    attempts: number,
    failure: HandlerFailure,
  ): Promise<EntryOutcome | undefined> {
    const { stream, group, deadLetters } = this.#binding;
    const facts = { stream, group, entry: entry.id, code: failure.code, attempts };
    if (!deadLetters) {
      this.#logger.warn('an entry is given up and dropped', facts);
      return this.#settle(entry.id, undefined, { ...DEAD_LETTERED, isDeadLetter: false });
    }
    this.#logger.warn('an entry is given up and set aside', facts);
    const deadLetter = {
      stream: deadLetterStream(this.#context.fenced.stream),
      fields: [
        ...deadLetterFields({ ...entry, deliveries: attempts }, group),
        ['code', failure.code],
        ['message', failure.message],
        ['failed_at', new Date().toISOString()],
        ['unapplied', JSON.stringify(NOTHING_APPLIED)],
      ],
    } as const;
    return this.#settle(entry.id, deadLetter, DEAD_LETTERED);
  }

  async #settle(
    id: string,
    deadLetter: Settlement['deadLetter'],
    outcome: EntryOutcome,
  ): Promise<EntryOutcome | undefined> {
    const { settler, fenced } = this.#context;
    const { stream, group } = fenced;
    const result = await settler.settle({ stream, group, id, cacheKeys: [], publications: [], deadLetter });
    return result === 'pending' || result.kind === 'blocked' ? undefined : outcome;
  }
}
