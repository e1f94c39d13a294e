import type { Random } from './random.ts';
import { type EntityTable, emailBefore, PINNED_ID, ROWS_BEFORE, TABLES } from './schema.ts';

/** A row whose id the application knows: it existed before the history, or its id is a uuid. */
export type KnownRow = {
  readonly table: EntityTable;
  readonly id: bigint;
  email: string | undefined;
  parent: bigint | undefined;
};

/** The application's state if the history so far were applied serially: the part that the generator needs. */
export class ApplicationModel {
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

  /** Returns a number that no `Nr` has had before. */
  nextNumber(): bigint {
    this.#numbers += 1;
    return BigInt(this.#numbers);
  }

  /** Rows that a statement may change or delete: all except the pinned one. */
  rows(table: EntityTable): readonly KnownRow[] {
    return (this.#rows.get(table) ?? []).filter(({ id }) => id !== PINNED_ID);
  }

  /** Rows that a foreign key may refer to, including the pinned one. */
  parents(table: EntityTable): readonly KnownRow[] {
    return this.#rows.get(table) ?? [];
  }

  add(row: KnownRow): void {
    this.#rows.get(row.table)?.push(row);
  }

  /** Records that a row with an unknown id refers to this parent, which therefore can't be deleted any more. */
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

  /** Releases the row's email, so that one other row may take it. */
  free(row: KnownRow): void {
    const { table, email } = row;
    row.email = undefined;
    if (email !== undefined) this.#freedEmails.set(table, [...(this.#freedEmails.get(table) ?? []), email]);
  }

  /**
   * Takes an email that a row has released. Each can be taken only once: if two rows took the same value, ordering by
   * entity would allow either of them to run first.
   */
  takeFreedEmail(table: EntityTable): string | undefined {
    const [email, ...rest] = this.#freedEmails.get(table) ?? [];
    this.#freedEmails.set(table, rest);
    return email;
  }

  /** Takes the id of a deleted row, for a new row to reuse. */
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
