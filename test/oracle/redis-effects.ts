import { cacheKeyFates, dirtyEventFates, type StatementResult } from './attribution.ts';
import type { CacheKey } from './outcome.ts';
import type { DirtyEvent, LazyEvent } from './wire.ts';

/** What a history must do in Redis, collected event by event. */
export class RedisEffects {
  readonly dirtyEvents = new Map<string, DirtyEvent[]>();
  readonly #keys: (CacheKey & { readonly applied: boolean | 'unsure' })[] = [];

  publish(stream: string, event: DirtyEvent): void {
    this.dirtyEvents.set(stream, [...(this.dirtyEvents.get(stream) ?? []), event]);
  }

  /** @returns the indexes of those that are withheld with the statement that failed */
  publishAll(event: LazyEvent, results: readonly StatementResult[]): number[] {
    const rows = dirtyEventFates(event, results);
    return event.dirtyEvents.flatMap(({ entity, action, streams }, index) => {
      const { applied, id = '0' } = rows[index] ?? { applied: false };
      if (applied === false) return [index];
      for (const stream of streams) this.publish(stream, { entity, action, id });
      return [];
    });
  }

  /** @param insertedTable `schema.table` that an insert of the event writes to */
  deleteKeys(event: LazyEvent, results: readonly StatementResult[], insertedTable: string | undefined): void {
    for (const [index, { applied, id }] of cacheKeyFates(event, results).entries()) {
      const { pool, key } = event.cacheKeys[index] ?? { pool: '', key: '' };
      if (!key.endsWith(':0')) this.#keys.push({ pool, key, applied });
      else if (id !== undefined && insertedTable !== undefined) {
        const row = { table: insertedTable, id };
        this.#keys.push({ pool, key: key.replace(/0$/, id), applied, row });
      }
    }
  }

  get goneKeys(): CacheKey[] {
    return this.#keys.filter(({ applied }) => applied === true);
  }

  get keptKeys(): CacheKey[] {
    const nameOf = ({ pool, key }: CacheKey) => `${pool} ${key}`;
    const deleted = new Set(this.#keys.filter(({ applied }) => applied !== false).map(nameOf));
    return this.#keys.filter((key) => !deleted.has(nameOf(key)));
  }
}
