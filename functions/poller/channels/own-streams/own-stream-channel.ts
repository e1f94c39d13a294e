import type { Channel } from '../channel.ts';
import { channelNameOf, type StreamBinding } from './binding.ts';
import type { EntryHandler } from './entry-handler.ts';
import { OwnStreamWork } from './own-stream-work.ts';

/** A binding as a channel. The same one is to be given to all drains, so that each knows what is still in flight. */
export function ownStreamChannel(binding: StreamBinding, handler: EntryHandler): Channel {
  const { stream, group } = binding;
  const inFlight = new Set<Promise<unknown>>();
  return {
    name: channelNameOf(binding),
    stream,
    group,
    ...(handler.probe === undefined ? {} : { probe: handler.probe.bind(handler) }),
    open: (context) => new OwnStreamWork({ binding, handler, context, inFlight }),
  };
}
