import type { StageFailure } from '../../../shared/operations.ts';
import type { PollerRegistry } from '../../../shared/registry/types.ts';
import type { Channel } from '../channels/channel.ts';
import { parseBindings, type StreamBinding } from '../channels/own-streams/binding.ts';
import type { EntryEvent, EntryHandler, HandlerAnswer } from '../channels/own-streams/entry-handler.ts';
import { ownStreamChannel } from '../channels/own-streams/own-stream-channel.ts';
import { LambdaHandler, type LambdaHandlerOptions } from './lambda-handler.ts';

/** Streams that are bound to Lambda functions, shared by all drains of this process. */
export class DeployedOwnStreams {
  readonly channels: readonly Channel[];
  readonly #handlers: readonly ReopeningHandler[];

  /** @throws ConfigurationError if a binding does not match the registry */
  constructor(
    bindings: readonly unknown[],
    registry: Pick<PollerRegistry, 'streams'>,
    clientConfig: LambdaHandlerOptions['clientConfig'],
  ) {
    const bound = parseBindings({ bindings }, 'bindings', registry).map((binding) => ({
      binding,
      handler: new ReopeningHandler(binding, clientConfig),
    }));
    this.#handlers = bound.map(({ handler }) => handler);
    this.channels = bound.map(({ binding, handler }) => ownStreamChannel(binding, handler));
  }

  /** Call after each invocation: Lambda then freezes this process, and open sockets would be dead afterwards. */
  closeSockets(): void {
    for (const handler of this.#handlers) handler.closeSockets();
  }
}

/** A Lambda function that handles entries. Its sockets are opened when they are first needed after a freeze. */
class ReopeningHandler implements EntryHandler {
  readonly #options: LambdaHandlerOptions;
  #current: LambdaHandler | undefined;

  constructor({ handler, concurrency }: StreamBinding, clientConfig: LambdaHandlerOptions['clientConfig']) {
    const functionName = handler.kind === 'lambda' ? handler.functionName : '';
    this.#options = { functionName, concurrency, ...(clientConfig === undefined ? {} : { clientConfig }) };
  }

  invoke(event: EntryEvent, signal: AbortSignal): Promise<HandlerAnswer> {
    return this.#open().invoke(event, signal);
  }

  probe(): Promise<StageFailure | undefined> {
    return this.#open().probe();
  }

  closeSockets(): void {
    this.#current?.close();
    this.#current = undefined;
  }

  #open(): LambdaHandler {
    this.#current ??= new LambdaHandler(this.#options);
    return this.#current;
  }
}
