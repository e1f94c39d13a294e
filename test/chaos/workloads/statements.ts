import { plantCacheKeys } from '../../kit/cache-keys.ts';
import { compareState } from '../../kit/compare.ts';
import type { History } from '../../kit/generate/history.ts';
import { readState } from '../../kit/state.ts';
import type { Outcome } from '../../oracle/outcome.ts';
import type { StreamEntry } from '../../oracle/stream-entry.ts';
import type { Application } from '../chaos-servers.ts';
import { plantKeysOfLaterIds } from '../later-ids.ts';
import { type CheckResult, type Workload, withRedis } from './workload.ts';

/**
 * Lazy and log entries of a generated history. The outcome must be that of a serial application. Entries get new IDs,
 * because other workloads add entries to the same streams.
 */
export class Statements implements Workload {
  readonly name = 'statements';
  readonly #application: Application;
  readonly #entries: readonly StreamEntry[];
  readonly #expected: Outcome;
  readonly #remaining: StreamEntry[];
  /** IDs in the history, by stream and by ID in the stream. */
  readonly #historyIds = new Map<string, string>();

  private constructor(application: Application, { entries }: History, expected: Outcome) {
    this.#application = application;
    this.#entries = entries;
    this.#expected = expected;
    this.#remaining = [...entries];
  }

  static async prepare(application: Application, history: History, expected: Outcome): Promise<Statements> {
    await plantCacheKeys(application.registry, expected);
    await plantKeysOfLaterIds(application.registry, expected);
    return new Statements(application, history, expected);
  }

  get hasMore(): boolean {
    return this.#remaining.length > 0;
  }

  async add(count: number): Promise<void> {
    await withRedis(this.#application, 'default', async (redis) => {
      for (const { stream, id, fields } of this.#remaining.splice(0, count)) {
        const added = await redis.xadd(stream, '*', ...Object.entries(fields).flat());
        this.#historyIds.set(`${stream} ${added}`, id);
      }
    });
  }

  addRemaining(): Promise<void> {
    return this.add(Number.POSITIVE_INFINITY);
  }

  async check(): Promise<CheckResult> {
    const state = await readState(this.#application.registry);
    const deadLetters = state.deadLetters.flatMap((letter) => {
      const entry = this.#historyIds.get(`${letter.stream} ${letter.entry}`);
      return entry === undefined ? [] : [{ ...letter, entry }];
    });
    return {
      counts: { entries: this.#entries.length, 'dead letters': this.#expected.deadLetters.length },
      differences: compareState(this.#expected, { ...state, deadLetters }, this.#entries),
    };
  }
}
