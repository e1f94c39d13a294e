import type { EventEmitter } from 'node:events';
import type { Consumer, ConsumerOptions } from './consumer/consumer.ts';

/** A standard stream, which may be a terminal. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** The process in which the program runs. */
export interface ProgramContext {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Emits `SIGINT` and `SIGTERM`, as `process` does. */
  readonly signals: EventEmitter;
  /** Exits the process immediately. */
  readonly exitNow: (code: number) => void;
  readonly openConsumer: (options: ConsumerOptions) => Promise<Consumer>;
}
