import type { BenchServers } from '../bench-servers.ts';
import type { Absentee, Contestant } from '../candidates/candidate.ts';
import type { PeerCommand } from '../candidates/peer-command.ts';
import type { RsyslogProgram } from '../candidates/rsyslog-package.ts';
import type { Goal } from '../goals.ts';
import type { Stage } from '../testbed.ts';

/** What a workload can build its contestants from. */
export interface Bench {
  readonly servers: BenchServers;
  readonly stage: Stage;
  /** Entries in a turn. */
  readonly entries: number;
  readonly peers: readonly PeerCommand[];
  /** Unpacked the first time that it is asked for. */
  readonly rsyslog: () => Promise<RsyslogProgram>;
}

/** One line of the table of targets, or a few that are measured together. */
export interface Workload {
  /** For the command line. */
  readonly name: string;
  readonly title: string;
  contestants(bench: Bench): Promise<readonly (Contestant | Absentee)[]>;
  readonly goals: readonly Goal[];
}
