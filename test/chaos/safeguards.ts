/** Mechanisms that can be switched off, to see that the absence of each is noticed. */
export const MECHANISMS = [
  'ledger',
  'fence',
  'settle',
  'order',
  'position',
  'progress',
  'groups',
  'acknowledgement',
  'lines',
] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** What consumers do; each has promises of its own. */
export type SubjectName = 'statements' | 'search' | 'garbage' | 'own streams';

interface Facts {
  readonly subject: SubjectName;
  /** What happens without the mechanism. */
  readonly without: string;
}

export const MECHANISM_FACTS: Readonly<Record<Mechanism, Facts>> = {
  ledger: { subject: 'statements', without: 'nobody knows what was executed before' },
  fence: { subject: 'statements', without: 'who was overtaken may go on' },
  settle: { subject: 'statements', without: 'an entry is settled in many steps' },
  order: { subject: 'statements', without: 'statements overtake each other' },
  position: { subject: 'statements', without: 'tail mode begins at the end of its streams' },
  progress: { subject: 'search', without: 'a page counts as written before it is' },
  groups: { subject: 'garbage', without: 'garbage is what one group alone has read' },
  acknowledgement: { subject: 'own streams', without: 'entries are acknowledged before they are handled' },
  lines: { subject: 'own streams', without: 'entries of one key overtake each other' },
};
