/**
 * Keeps the dirty events of one entity type in the order of the stream: an entry is settled only after the earlier ones
 * that publish events of the same type. (By row would be enough, but a row to come has no id yet.)
 */
export class PublicationOrder {
  readonly #last = new Map<string, Promise<boolean>>();

  /**
   * Takes a place in line, in the order of the calls. `turn` resolves once all before it are done: with false where one
   * of them was left pending, so that this one must be left too.
   */
  enter(entities: ReadonlySet<string>): { readonly turn: Promise<boolean>; leave(isSettled: boolean): void } {
    const before = [...entities].flatMap((entity) => this.#last.get(entity) ?? []);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    for (const entity of entities) this.#last.set(entity, promise);
    return {
      turn: Promise.all(before).then((settled) => settled.every(Boolean)),
      leave: (isSettled) => {
        resolve(isSettled);
        // What was left stays in line, so that nothing overtakes it in this drain.
        if (!isSettled) return;
        for (const entity of entities) {
          if (this.#last.get(entity) === promise) this.#last.delete(entity);
        }
      },
    };
  }
}
