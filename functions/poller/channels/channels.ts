import type { Channel } from './channel.ts';
import { garbageChannel } from './garbage/garbage-channel.ts';
import { searchChannel } from './search/search-channel.ts';
import { lazySource } from './statements/lazy.ts';
import { logSource } from './statements/log.ts';
import { type StatementSource, statementChannel } from './statements/statement-channel.ts';

/** Entries that become statements. */
export const STATEMENT_SOURCES: readonly StatementSource[] = [lazySource, logSource];

/** What a drain does for BeeORM's own group. */
export const CHANNELS: readonly Channel[] = [
  ...STATEMENT_SOURCES.map(statementChannel),
  searchChannel,
  garbageChannel,
];
