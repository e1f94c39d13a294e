/**
 * Points at which a consumer process can be killed or paused: in the poller (`FailpointName`), in the executor
 * (`ExecutorFailpoint`), between the two (`executor:page`: a page of rows has been read), and in the handler of own
 * streams.
 */
export const FAILPOINTS = [
  'poller:locked',
  'poller:read',
  'poller:executed',
  'poller:logged',
  'poller:cross-pool',
  'poller:settled',
  'poller:indexed',
  'poller:trimmed',
  'poller:pruned',
  'poller:releasing',
  'executor:sent',
  'executor:claimed',
  'executor:executed',
  'executor:recorded',
  'executor:committed',
  'executor:answered',
  'executor:page',
  'handler:called',
  'handler:done',
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];
