import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamEntry } from '../../oracle/stream-entry.ts';
import type { ApplicationServers } from './application-servers.ts';

/** So many that a stack in trouble is busy with them for a second or more. */
const ENTRIES_AT_ONCE = 700;
const ENTRIES_AT_A_TIME = 10;
const INTERVAL_MS = 200;

/** Adds a history to its streams bit by bit. */
export class Feed {
  readonly #servers: ApplicationServers;
  readonly #entries: StreamEntry[];

  constructor(servers: ApplicationServers, entries: readonly StreamEntry[]) {
    this.#servers = servers;
    this.#entries = [...entries];
  }

  /** Throws where nothing is left: a test that wants the stack to be busy would wait in vain. */
  async add(): Promise<void> {
    if (this.#entries.length === 0) throw new Error('The history is too short: all of it has been added.');
    await this.#servers.add(this.#entries.splice(0, ENTRIES_AT_ONCE));
  }

  async addRest(): Promise<void> {
    await this.#servers.add(this.#entries.splice(0));
  }

  /** As a running application does, until `end` is settled. */
  async keepAdding(end: Promise<unknown>): Promise<void> {
    let isOver = false;
    const finish = () => {
      isOver = true;
    };
    end.then(finish, finish);
    while (!isOver && this.#entries.length > ENTRIES_AT_ONCE) {
      await this.#servers.add(this.#entries.splice(0, ENTRIES_AT_A_TIME));
      await sleep(INTERVAL_MS);
    }
  }
}
