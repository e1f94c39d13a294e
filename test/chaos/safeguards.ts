/** Safeguards that `--break` can switch off, to prove that the checks notice when one is missing. */
export const SAFEGUARDS = [
  'ledger',
  'fence',
  'settle',
  'order',
  'position',
  'progress',
  'groups',
  'acknowledgement',
  'lines',
  'ack-first',
  'foreign-counts',
  'redrive-whole',
  'rewind',
  'errors-permanent',
  'predicted-id',
] as const;
export type Safeguard = (typeof SAFEGUARDS)[number];

export type WorkloadName =
  | 'statements'
  | 'counters'
  | 'tickets'
  | 'repairs'
  | 'search'
  | 'garbage'
  | 'own streams';

interface Facts {
  /** The workload whose checks must fail without the safeguard. */
  readonly workload: WorkloadName;
  /** What goes wrong without the safeguard. */
  readonly without: string;
}

export const SAFEGUARD_FACTS: Readonly<Record<Safeguard, Facts>> = {
  ledger: { workload: 'statements', without: 'a poller does not know what earlier epochs executed' },
  fence: { workload: 'statements', without: 'a poller that has lost its lock can still write' },
  settle: { workload: 'statements', without: 'an entry is settled in several steps, not atomically' },
  order: { workload: 'statements', without: 'statements overtake each other' },
  position: { workload: 'statements', without: 'tail mode starts at the end of its streams' },
  progress: { workload: 'search', without: 'a page of documents counts as written before it is' },
  groups: { workload: 'garbage', without: 'entries are trimmed once a single group has read them' },
  acknowledgement: { workload: 'own streams', without: 'entries are acknowledged before they are handled' },
  lines: { workload: 'own streams', without: 'entries with the same key overtake each other' },
  'ack-first': { workload: 'statements', without: 'an entry is acknowledged before its effects' },
  'foreign-counts': { workload: 'counters', without: 'deliveries to other consumers count as attempts' },
  'redrive-whole': { workload: 'repairs', without: 'a redrive repeats what was already applied' },
  rewind: { workload: 'counters', without: 'entries of a group that was set back are executed again' },
  'errors-permanent': { workload: 'counters', without: 'errors of the server are blamed on the statement' },
  'predicted-id': { workload: 'tickets', without: 'the ledger records predicted IDs of new rows' },
};
