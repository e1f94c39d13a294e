import type { Channel } from './channel.ts';
import { lazyChannel } from './lazy.ts';
import { logChannel } from './log.ts';

/** Every channel whose entries become statements. */
export const CHANNELS: readonly Channel[] = [lazyChannel, logChannel];
