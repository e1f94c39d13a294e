import { coldImportWorkload } from './cold-import.ts';
import { logWorkload, mixedWorkload } from './histories.ts';
import { latencyWorkload } from './latency.ts';
import { backlogWorkload, ledgerWorkload, pollerWorkload, roundTripWorkload } from './own-variants.ts';
import { insertsWorkload, updatesWorkload } from './statements.ts';
import type { Workload } from './workload.ts';

/** All workloads, in the order in which they run and are reported. */
export const WORKLOADS: readonly Workload[] = [
  insertsWorkload,
  updatesWorkload,
  mixedWorkload,
  logWorkload,
  roundTripWorkload,
  ledgerWorkload,
  backlogWorkload,
  pollerWorkload,
  latencyWorkload,
  coldImportWorkload,
];
