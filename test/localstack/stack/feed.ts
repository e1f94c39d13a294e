import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamEntry } from '../../oracle/stream-entry.ts';
import type { ApplicationServers } from './application-servers.ts';

/** Enough entries to keep a stack busy for at least a second, even under faults. */
const BURST_ENTRIES = 700;
const TRICKLE_ENTRIES = 10;
const INTERVAL_MS = 200;

/** Adds the entries of a history to its streams in portions. */
export class Feed {
  readonly #servers: ApplicationServers;
  readonly #entries: StreamEntry[];

  constructor(servers: ApplicationServers, entries: readonly StreamEntry[]) {
    this.#servers = servers;
    this.#entries = [...entries];
  }

  /** Adds the next burst. Throws if no entries remain, because a test would then wait in vain for a busy stack. */
  async addBurst(): Promise<void> {
    if (this.#entries.length === 0)
      throw new Error('The history is too short: all entries have already been added.');
    await this.#servers.add(this.#entries.splice(0, BURST_ENTRIES));
  }

  async addRemaining(): Promise<void> {
    await this.#servers.add(this.#entries.splice(0));
  }

  /** Adds a few entries at a time, as a running application does, until `end` is settled. */
  async keepAdding(end: Promise<unknown>): Promise<void> {
    let isOver = false;
    const finish = () => {
      isOver = true;
    };
    end.then(finish, finish);
    while (!isOver && this.#entries.length > BURST_ENTRIES) {
      await this.#servers.add(this.#entries.splice(0, TRICKLE_ENTRIES));
      await sleep(INTERVAL_MS);
    }
  }
}
