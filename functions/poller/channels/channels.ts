import type { AbsentGroups } from '../../../shared/drain-rules.ts';
import type { SearchSettings } from '../../../shared/search-settings.ts';
import { DEFAULT_ALLOWED_STATEMENTS } from '../../../shared/sql/statement.ts';
import type { Channel } from './channel.ts';
import { garbageChannel } from './garbage/garbage-channel.ts';
import { searchChannel } from './search/search-channel.ts';
import { lazySource } from './statements/lazy.ts';
import { logSource } from './statements/log.ts';
import { type StatementSource, statementChannel } from './statements/statement-channel.ts';

export interface ChannelSettings {
  /** Verbs in upper case that are allowed besides INSERT, UPDATE, DELETE and REPLACE. */
  readonly allowedStatements: readonly string[];
  /** What search indexes consist of, if it cannot be derived, and the application's time zone. */
  readonly search: SearchSettings;
  readonly absentGroups: AbsentGroups;
  /** True if each drain requests a garbage collection of its own streams, as BeeORM's consumer does. */
  readonly requestsCollections: boolean;
  /** Streams that are bound to handlers: see `ownStreamChannel`. */
  readonly ownStreams: readonly Channel[];
}

/** The kinds of entries that become statements. */
export const STATEMENT_SOURCES: readonly StatementSource[] = [lazySource, logSource];

/** All channels of a poller, in the order of its reports. */
export function createChannels(settings: ChannelSettings): readonly Channel[] {
  const allowedStatements = new Set([...DEFAULT_ALLOWED_STATEMENTS, ...settings.allowedStatements]);
  return [
    ...STATEMENT_SOURCES.map((source) => statementChannel(source, allowedStatements)),
    searchChannel(settings.search),
    garbageChannel({
      absentGroups: settings.absentGroups,
      requestsCollections: settings.requestsCollections,
      boundGroups: settings.ownStreams.map(({ group }) => group),
    }),
    ...settings.ownStreams,
  ];
}
