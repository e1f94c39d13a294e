import type { ChannelSummary, DrainSummary } from '../../shared/drain-summary.ts';

/** Combines two consecutive drains: counts are added, and the state is that of the later drain. */
export function addSummaries(earlier: DrainSummary, later: DrainSummary): DrainSummary {
  const channels: Record<string, ChannelSummary> = { ...earlier.channels };
  for (const [name, channel] of Object.entries(later.channels)) {
    const before = earlier.channels[name];
    channels[name] = before === undefined ? channel : addChannels(before, channel);
  }
  return { ...later, seconds: earlier.seconds + later.seconds, channels };
}

function addChannels(earlier: ChannelSummary, later: ChannelSummary): ChannelSummary {
  return {
    ...later,
    entries: earlier.entries + later.entries,
    statements: earlier.statements + later.statements,
    logRows: earlier.logRows + later.logRows,
    dirtyEvents: earlier.dirtyEvents + later.dirtyEvents,
    cacheKeys: earlier.cacheKeys + later.cacheKeys,
    failed: earlier.failed + later.failed,
    deadLetters: earlier.deadLetters + later.deadLetters,
    ...addOptional('documents', earlier, later),
    ...addOptional('trimmed', earlier, later),
  };
}

function addOptional(
  name: 'documents' | 'trimmed',
  earlier: ChannelSummary,
  later: ChannelSummary,
): Partial<ChannelSummary> {
  if (earlier[name] === undefined && later[name] === undefined) return {};
  return { [name]: (earlier[name] ?? 0) + (later[name] ?? 0) };
}
