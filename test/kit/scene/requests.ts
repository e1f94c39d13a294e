import { textToBinary } from '../../../shared/binary-string.ts';
import { type ExecutorReply, PROTOCOL_VERSION, type SqlExecutor } from '../../../shared/protocol.ts';

/** Sends an executor the requests that a poller would send, with parameters chosen by the test. */
export class Requests {
  readonly #executor: SqlExecutor;
  readonly #withinMs: number;

  constructor(executor: SqlExecutor, withinMs = 10_000) {
    this.#executor = executor;
    this.#withinMs = withinMs;
  }

  peek(): Promise<ExecutorReply> {
    return this.#executor.execute({ ...this.#common(), operation: 'peek' });
  }

  open(seenToken: string | null, token: string): Promise<ExecutorReply> {
    return this.#executor.execute({ ...this.#common(), operation: 'open', seenToken, token });
  }

  batch(token: string, number: number, statements: readonly string[]): Promise<ExecutorReply> {
    return this.#executor.execute({
      ...this.#common(),
      operation: 'batch',
      token,
      number,
      entries: textToBinary(''),
      items: statements.map((sql) => ({ sql: textToBinary(sql), final: true, isUnderstood: true })),
    });
  }

  void(token: string, number: number): Promise<ExecutorReply> {
    return this.#executor.execute({ ...this.#common(), operation: 'void', token, number });
  }

  #common() {
    const deadline = Date.now() + this.#withinMs;
    return { version: PROTOCOL_VERSION, pool: 'default', consumer: 'tested', deadline } as const;
  }
}
