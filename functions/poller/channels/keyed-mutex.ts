/** Runs tasks with the same key one after another, and tasks with different keys concurrently. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<unknown>>();

  run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const previous = this.#last.get(key) ?? Promise.resolve();
    const result = previous.then(task, task);
    this.#last.set(key, result);
    return result;
  }
}
