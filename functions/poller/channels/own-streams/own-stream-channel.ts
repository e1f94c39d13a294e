import type { Channel } from '../channel.ts';
import { channelNameOf, type StreamBinding } from './binding.ts';
import type { EntryHandler } from './entry-handler.ts';
import { OwnStreamProcessor } from './own-stream-processor.ts';

/** The channel of a binding. All drains must share one channel: it tracks the invocations that are still in flight. */
export function ownStreamChannel(binding: StreamBinding, handler: EntryHandler): Channel {
  const { stream, group } = binding;
  const inFlight = new Set<Promise<unknown>>();
  return {
    name: channelNameOf(binding),
    stream,
    group,
    ...(handler.probe === undefined ? {} : { probe: handler.probe.bind(handler) }),
    open: (context) => new OwnStreamProcessor({ binding, handler, context, inFlight }),
  };
}
