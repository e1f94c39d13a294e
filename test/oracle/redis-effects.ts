import { attributeCacheKeys, attributeDirtyEvents, type StatementResult } from './attribution.ts';
import type { CacheKey } from './outcome.ts';
import type { DirtyEvent, LazyEvent } from './wire.ts';

/** The effects that a history must have in Redis, collected event by event. */
export class RedisEffects {
  readonly dirtyEvents = new Map<string, DirtyEvent[]>();
  readonly #keys: { readonly key: CacheKey; readonly applied: boolean | 'unsure' }[] = [];

  publish(stream: string, event: DirtyEvent): void {
    this.dirtyEvents.set(stream, [...(this.dirtyEvents.get(stream) ?? []), event]);
  }

  /** @returns the indexes of the dirty events that are withheld because their statement failed */
  publishAll(event: LazyEvent, results: readonly StatementResult[]): number[] {
    const rows = attributeDirtyEvents(event, results);
    return event.dirtyEvents.flatMap(({ entity, action, streams }, index) => {
      const { applied, id = '0' } = rows[index] ?? { applied: false };
      if (applied === false) return [index];
      for (const stream of streams) this.publish(stream, { entity, action, id });
      return [];
    });
  }

  /** @param insertedTable the `schema.table` that the event inserts into, if any */
  deleteKeys(event: LazyEvent, results: readonly StatementResult[], insertedTable: string | undefined): void {
    for (const [index, { applied, id }] of attributeCacheKeys(event, results).entries()) {
      const { pool, key } = event.cacheKeys[index] ?? { pool: '', key: '' };
      if (!key.endsWith(':0')) this.#keys.push({ key: { pool, key }, applied });
      else if (id !== undefined && insertedTable !== undefined) {
        const row = { table: insertedTable, id };
        this.#keys.push({ key: { pool, key: key.replace(/0$/, id), row }, applied });
      }
    }
  }

  /** Keeps the keys of an entry that has no effect at all. */
  keepKeys(event: LazyEvent | undefined): void {
    const named = event?.cacheKeys.filter(({ key }) => !key.endsWith(':0')) ?? [];
    this.#keys.push(...named.map((key) => ({ key, applied: false })));
  }

  get deletedKeys(): CacheKey[] {
    return this.#keys.filter(({ applied }) => applied === true).map(({ key }) => key);
  }

  get keptKeys(): CacheKey[] {
    const nameOf = ({ pool, key }: CacheKey) => `${pool} ${key}`;
    const kept = new Map(this.#keys.map(({ key }) => [nameOf(key), key]));
    for (const { key, applied } of this.#keys) if (applied !== false) kept.delete(nameOf(key));
    return [...kept.values()];
  }
}
