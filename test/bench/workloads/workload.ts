import type { BenchServers } from '../bench-servers.ts';
import type { Candidate, UnavailableCandidate } from '../candidates/candidate.ts';
import type { PeerCommand } from '../candidates/peer-command.ts';
import type { RsyslogProgram } from '../candidates/rsyslog-package.ts';
import type { Goal } from '../goals.ts';
import type { Testbed } from '../testbed.ts';

/** What workloads build their candidates from. */
export interface Bench {
  readonly servers: BenchServers;
  readonly testbed: Testbed;
  /** Entries per run. */
  readonly entries: number;
  readonly peers: readonly PeerCommand[];
  /** Downloads and unpacks rsyslog on the first call. */
  readonly rsyslog: () => Promise<RsyslogProgram>;
}

/** A benchmark: candidates that do the same work, and the goals for them. */
export interface Workload {
  /** The name on the command line. */
  readonly name: string;
  readonly title: string;
  candidates(bench: Bench): Promise<readonly (Candidate | UnavailableCandidate)[]>;
  readonly goals: readonly Goal[];
}
