import type { Channel } from '../../../functions/poller/channels/channel.ts';
import type { StreamBinding } from '../../../functions/poller/own-streams/binding.ts';
import type { EntryHandler } from '../../../functions/poller/own-streams/entry-handler.ts';
import { LambdaHandler } from '../../../functions/poller/own-streams/lambda-handler.ts';
import { ownStreamChannel } from '../../../functions/poller/own-streams/own-stream-channel.ts';
import { loadModuleHandler } from './module-handler.ts';

/**
 * Makes a channel of each binding; modules are imported once and run in this process.
 * @throws ConfigurationError where a module can't be used
 */
export function openOwnStreams(bindings: readonly StreamBinding[]): Promise<Channel[]> {
  return Promise.all(bindings.map(async (binding) => ownStreamChannel(binding, await openHandler(binding))));
}

async function openHandler({ handler, timeoutMs, concurrency }: StreamBinding): Promise<EntryHandler> {
  switch (handler.kind) {
    case 'module':
      return loadModuleHandler(handler.path, timeoutMs);
    case 'lambda':
      return new LambdaHandler({ functionName: handler.functionName, concurrency });
  }
}
