import type { StageFailure } from '../../../shared/operations.ts';
import type { PollerRegistry } from '../../../shared/registry/types.ts';
import type { Channel } from '../channels/channel.ts';
import { parseBindings, type StreamBinding } from '../channels/own-streams/binding.ts';
import type { EntryEvent, EntryHandler, HandlerAnswer } from '../channels/own-streams/entry-handler.ts';
import { ownStreamChannel } from '../channels/own-streams/own-stream-channel.ts';
import { LambdaHandler, type LambdaHandlerOptions } from './lambda-handler.ts';

/** Streams that are bound to Lambda functions, for all drains of this process. */
export class DeployedOwnStreams {
  readonly channels: readonly Channel[];
  readonly #handlers: readonly ThawingHandler[];

  /** @throws ConfigurationError where a binding doesn't fit the registry */
  constructor(
    bindings: readonly unknown[],
    registry: Pick<PollerRegistry, 'streams'>,
    clientConfig: LambdaHandlerOptions['clientConfig'],
  ) {
    const bound = parseBindings({ bindings }, 'bindings', registry).map((binding) => ({
      binding,
      handler: new ThawingHandler(binding, clientConfig),
    }));
    this.#handlers = bound.map(({ handler }) => handler);
    this.channels = bound.map(({ binding, handler }) => ownStreamChannel(binding, handler));
  }

  /** Between invocations Lambda freezes this process, and sockets die. */
  closeSockets(): void {
    for (const handler of this.#handlers) handler.closeSockets();
  }
}

/** A Lambda function that handles entries, by sockets that are made when first needed after a freeze. */
class ThawingHandler implements EntryHandler {
  readonly #options: LambdaHandlerOptions;
  #current: LambdaHandler | undefined;

  constructor({ handler, concurrency }: StreamBinding, clientConfig: LambdaHandlerOptions['clientConfig']) {
    const functionName = handler.kind === 'lambda' ? handler.functionName : '';
    this.#options = { functionName, concurrency, ...(clientConfig === undefined ? {} : { clientConfig }) };
  }

  invoke(event: EntryEvent, signal: AbortSignal): Promise<HandlerAnswer> {
    return this.#thawed().invoke(event, signal);
  }

  probe(): Promise<StageFailure | undefined> {
    return this.#thawed().probe();
  }

  closeSockets(): void {
    this.#current?.close();
    this.#current = undefined;
  }

  #thawed(): LambdaHandler {
    this.#current ??= new LambdaHandler(this.#options);
    return this.#current;
  }
}
