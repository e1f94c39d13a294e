import type { EventEmitter } from 'node:events';
import type { Consumer, ConsumerOptions } from './consumer/consumer.ts';

/** A standard stream: text, on a terminal or not. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** What the program needs from the process that it runs in. */
export interface ProgramContext {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Emits `SIGINT` and `SIGTERM`, as `process` does. */
  readonly signals: EventEmitter;
  /** Ends the process without waiting for anything. */
  readonly exitNow: (code: number) => void;
  readonly openConsumer: (options: ConsumerOptions) => Promise<Consumer>;
}
