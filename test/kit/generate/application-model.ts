import type { Random } from './random.ts';
import { type EntityTable, emailBefore, PINNED_ID, ROWS_BEFORE, TABLES } from './schema.ts';

/** A row whose id the application knows: one from before, or one with a uuid. */
export type KnownRow = {
  readonly table: EntityTable;
  readonly id: bigint;
  email: string | undefined;
  parent: bigint | undefined;
};

/** What a serial application of the history so far has come to, as far as the generator must know it. */
export class World {
  readonly #rows = new Map<EntityTable, KnownRow[]>();
  readonly #freedEmails = new Map<EntityTable, string[]>();
  readonly #unknownChildren = new Set<bigint>();
  readonly #deletedIds = new Map<EntityTable, bigint[]>();
  #codes = 0;
  #uuids = 102_178_315_000_000_000n;
  #numbers = 1000;

  constructor() {
    for (const table of TABLES) {
      const ids = Array.from({ length: ROWS_BEFORE }, (_, index) => BigInt(index + 1));
      this.#rows.set(
        table,
        ids.map((id) => rowBefore(table, id)),
      );
    }
  }

  nextCode(): string {
    this.#codes += 1;
    return `c${String(this.#codes).padStart(6, '0')}`;
  }

  nextUuid(): bigint {
    this.#uuids += 1n;
    return this.#uuids;
  }

  /** Never used before for a `Nr`. */
  nextNumber(): bigint {
    this.#numbers += 1;
    return BigInt(this.#numbers);
  }

  /** Rows that may be changed or deleted: all but the pinned one. */
  rows(table: EntityTable): readonly KnownRow[] {
    return (this.#rows.get(table) ?? []).filter(({ id }) => id !== PINNED_ID);
  }

  /** The pinned one included: rows that may be referred to. */
  parents(table: EntityTable): readonly KnownRow[] {
    return this.#rows.get(table) ?? [];
  }

  add(row: KnownRow): void {
    this.#rows.get(row.table)?.push(row);
  }

  /** A row refers to it whose id is not known, so that it can't be deleted any more. */
  addUnknownChild(parent: bigint): void {
    this.#unknownChildren.add(parent);
  }

  hasChildren(id: bigint): boolean {
    const rows = [...this.#rows.values()].flat();
    return this.#unknownChildren.has(id) || rows.some(({ parent }) => parent === id);
  }

  remove(row: KnownRow): void {
    const { table, id } = row;
    this.#rows.set(
      table,
      (this.#rows.get(table) ?? []).filter((other) => other.id !== id),
    );
    this.free(row);
    if (table.uuid && id > ROWS_BEFORE)
      this.#deletedIds.set(table, [...(this.#deletedIds.get(table) ?? []), id]);
  }

  /** Its email may be taken by one other row. */
  free(row: KnownRow): void {
    const { table, email } = row;
    row.email = undefined;
    if (email !== undefined) this.#freedEmails.set(table, [...(this.#freedEmails.get(table) ?? []), email]);
  }

  /**
   * An email that a row gave up, to be taken at most once: with the order of entities, two rows that take the same
   * value one after the other may come in either order.
   */
  takeFreedEmail(table: EntityTable): string | undefined {
    const [email, ...rest] = this.#freedEmails.get(table) ?? [];
    this.#freedEmails.set(table, rest);
    return email;
  }

  /** The id of a deleted row, for a new one. */
  takeDeletedId(table: EntityTable, random: Random): bigint | undefined {
    const ids = this.#deletedIds.get(table) ?? [];
    const id = random.maybePick(ids);
    this.#deletedIds.set(
      table,
      ids.filter((other) => other !== id),
    );
    return id;
  }
}

function rowBefore(table: EntityTable, id: bigint): KnownRow {
  const email = 'Email' in table.columns ? emailBefore(Number(id)) : undefined;
  return { table, id, email, parent: 'Parent' in table.columns ? id : undefined };
}
