import type { Channel } from '../../functions/poller/channels/channel.ts';
import type { StreamBinding } from '../../functions/poller/channels/own-streams/binding.ts';
import type { EntryHandler } from '../../functions/poller/channels/own-streams/entry-handler.ts';
import { ownStreamChannel } from '../../functions/poller/channels/own-streams/own-stream-channel.ts';
import { loadModuleHandler } from './module-handler.ts';

export interface OwnStreams {
  readonly channels: readonly Channel[];
  close(): void;
}

/**
 * Creates a channel for each binding. Modules are imported once and run in this process.
 * @throws ConfigurationError if a module cannot be used
 */
export async function openOwnStreams(bindings: readonly StreamBinding[]): Promise<OwnStreams> {
  const bound = await Promise.all(
    bindings.map(async (binding) => ({ binding, handler: await openHandler(binding) })),
  );
  return {
    channels: bound.map(({ binding, handler }) => ownStreamChannel(binding, handler)),
    close: () => {
      for (const { handler } of bound) handler.close?.();
    },
  };
}

async function openHandler({ handler, timeoutMs, concurrency }: StreamBinding): Promise<EntryHandler> {
  switch (handler.kind) {
    case 'module':
      return loadModuleHandler(handler.path, timeoutMs);
    case 'lambda': {
      // Imported on demand, because the AWS SDK takes a tenth of a second and 30 MB.
      const { LambdaHandler } = await import('../../functions/poller/aws/lambda-handler.ts');
      return new LambdaHandler({ functionName: handler.functionName, concurrency });
    }
  }
}
