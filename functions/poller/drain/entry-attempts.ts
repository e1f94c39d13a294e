import type { Redis } from 'ioredis';
import { countAttempt, forgetAttempts, sweepAttempts } from '../redis/attempt-counts.ts';
import type { FencedGroup } from '../redis/fenced-group.ts';
import type { StreamEntry } from '../redis/stream-entry.ts';
import { mayBePoison } from '../settlement/poison.ts';

/** Settled entries whose attempts are forgotten in one call. */
const FORGOTTEN_TOGETHER = 500;

/**
 * Knows for which entries of a stream Redis has counted attempts, and when these counts say nothing any more. Attempts
 * without an answer are the evidence of poison entries: see poison.ts.
 */
export class EntryAttempts {
  readonly #redis: Redis;
  readonly #group: FencedGroup;
  readonly #areCountedByChannel: boolean;
  /** Possible poison entries that wait to be tried alone. */
  readonly #possiblePoison = new Set<string>();
  /** Entries whose attempts Redis may have counted. */
  readonly #counted = new Set<string>();
  /** Settled ones of them. */
  #forgettable: string[] = [];

  /** @param areCountedByChannel a channel with its own rules counts the attempts, and keeps them if an entry stays pending */
  constructor(redis: Redis, group: FencedGroup, areCountedByChannel: boolean) {
    this.#redis = redis;
    this.#group = group;
    this.#areCountedByChannel = areCountedByChannel;
  }

  /** Reading pending entries has counted an attempt for each. */
  pendingRead(entries: readonly StreamEntry[]): void {
    for (const entry of entries) {
      this.#counted.add(entry.id);
      if (mayBePoison(entry)) this.#possiblePoison.add(entry.id);
    }
  }

  newRead(entries: readonly StreamEntry[]): void {
    if (this.#areCountedByChannel) for (const { id } of entries) this.#counted.add(id);
  }

  /** Counts an attempt to run a possible poison entry alone, before it begins. Rejects like `countAttempt`. */
  async beginAlone(id: string): Promise<void> {
    await countAttempt(this.#redis, this.#group, id);
    this.#possiblePoison.delete(id);
  }

  settled(id: string): void {
    if (!this.#counted.delete(id)) return;
    this.#forgettable.push(id);
    // Best effort: counts of settled entries only take up memory.
    if (this.#forgettable.length >= FORGOTTEN_TOGETHER) this.#forgetSettled().catch(() => undefined);
  }

  /** Forgets the attempts of entries that this process has survived. */
  async forget(ids: readonly string[]): Promise<void> {
    if (!this.#areCountedByChannel) await forgetAttempts(this.#redis, this.#group, ids);
  }

  /**
   * Forgets attempts that say nothing. Entries left at an orderly shutdown got an answer or were never tried: neither is a
   * sign of a poison entry, however often it happens. A possible poison entry that was not reached keeps its count: nothing
   * new is known about it.
   */
  async shutDown(): Promise<void> {
    await this.#forgetSettled();
    await this.forget([...this.#counted].filter((id) => !this.#possiblePoison.has(id)));
    await sweepAttempts(this.#redis, this.#group);
  }

  async #forgetSettled(): Promise<void> {
    const ids = this.#forgettable;
    this.#forgettable = [];
    await forgetAttempts(this.#redis, this.#group, ids);
  }
}
