import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RedisPool } from '../../../shared/registry/types.ts';
import { compareStreamIds } from '../../../shared/stream-id.ts';
import { giveBack } from '../redis/give-back.ts';
import { findOpenIds } from '../redis/open-ids.ts';
import type { RedisSession } from '../redis/session.ts';
import type { StreamDrain } from './stream-drain.ts';

/** How the ledger and the cross-pool markers name a stream. */
export function ledgerName(pool: RedisPool, stream: string): string {
  return `${pool.code}/${stream}`;
}

/** Compares the positions of the streams' groups with what the ledger knows. */
export class StreamPositions {
  readonly #pool: RedisPool;
  readonly #session: RedisSession;
  readonly #streams: ReadonlyMap<string, StreamDrain>;

  /** `streams`: by name; streams are added as they are opened. */
  constructor(pool: RedisPool, session: RedisSession, streams: ReadonlyMap<string, StreamDrain>) {
    this.#pool = pool;
    this.#session = session;
    this.#streams = streams;
  }

  /** The entries that may still be delivered, or are in hand. */
  async findOpenIds(name: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { redis, groups, lastDelivered } = this.#session;
    for (const [stream, { stream: key, group }] of groups) {
      if (ledgerName(this.#pool, stream) !== name) continue;
      const open = await findOpenIds(redis, key, group, lastDelivered.get(stream) ?? '0-0', ids);
      // An entry in hand is open too: a predecessor that is shutting down may have acknowledged it since it was read here,
      // and without its row it would be executed again. Pages that arrived in the same packet are taken in hand first.
      await nextTurn();
      const drain = this.#streams.get(stream);
      return new Set(ids.filter((id) => open.has(id) || drain?.isInHand(id) === true));
    }
    // The registry no longer names the stream: its entries may be open, so the ledger keeps their rows.
    return new Set(ids);
  }

  /**
   * Describes the first group that is behind what the ledger has pruned: it was set back, and its entries would be executed
   * again. Undefined if there is none.
   */
  describeBehind(prunedIds: Readonly<Record<string, string>>): string | undefined {
    for (const [stream, lastDelivered] of this.#session.lastDelivered) {
      const pruned = prunedIds[ledgerName(this.#pool, stream)];
      if (pruned === undefined || compareStreamIds(lastDelivered, pruned) >= 0) continue;
      return (
        `the group of stream '${stream}' is at ${lastDelivered}, but entries up to ${pruned} were applied and their ledger ` +
        `rows are deleted: Redis was set back to an older state. Check what is missing, then move the group with XGROUP ` +
        `SETID ${stream} ${pruned}, or delete the key '${this.#session.lock.key}:ledger' to execute those entries again`
      );
    }
    return undefined;
  }

  /** Makes entries unread that were read before a group was found to be behind; the next drain must not run them. */
  async giveBack(): Promise<void> {
    const { redis, groups, lastDelivered } = this.#session;
    for (const [name, stream] of this.#streams) {
      const group = groups.get(name);
      const last = lastDelivered.get(name) ?? '0-0';
      const ids = stream.idsInHand.filter((id) => compareStreamIds(id, last) > 0);
      if (group !== undefined && ids.length > 0) await giveBack(redis, group, last, ids);
    }
  }
}
