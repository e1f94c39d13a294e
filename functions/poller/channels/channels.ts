import type { Channel } from './channel.ts';
import { garbageChannel } from './garbage.ts';
import { lazySource } from './lazy.ts';
import { logSource } from './log.ts';
import { searchChannel } from './search.ts';
import { type StatementSource, statementChannel } from './statements.ts';

/** Entries that become statements. */
export const STATEMENT_SOURCES: readonly StatementSource[] = [lazySource, logSource];

/** What a drain does for BeeORM's own group. */
export const CHANNELS: readonly Channel[] = [
  ...STATEMENT_SOURCES.map(statementChannel),
  searchChannel,
  garbageChannel,
];
