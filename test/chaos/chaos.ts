import type { Difference } from '../kit/difference.ts';
import { seededHistory } from '../kit/generate/history.ts';
import { Random } from '../kit/generate/random.ts';
import { runOracle } from '../kit/run-oracle.ts';
import { Campaign, type FaultCounts } from './campaign.ts';
import {
  type Application,
  directServers,
  loadApplication,
  type Servers,
  startServers,
  stopServers,
} from './chaos-servers.ts';
import type { ChildInstructions } from './child-instructions.ts';
import { type Fault, type FaultKind, otherFaults } from './faults.ts';
import { KillSequence } from './kills.ts';
import { SAFEGUARD_FACTS, type Safeguard, type WorkloadName } from './safeguards.ts';
import { COUNTER_POOLS, Counters } from './workloads/counters.ts';
import { GARBAGE_POOLS, Garbage } from './workloads/garbage.ts';
import { OWN_POOLS, OwnStreams } from './workloads/own-streams.ts';
import { REPAIR_POOLS, Repairs } from './workloads/repairs.ts';
import { SEARCH_POOLS, Search } from './workloads/search.ts';
import { Statements } from './workloads/statements.ts';
import { TICKET_POOLS, Tickets } from './workloads/tickets.ts';
import type { CheckResult, Workload } from './workloads/workload.ts';

export interface ChaosOptions {
  /** Decides which entries are added and which faults happen. The machine decides when exactly they happen. */
  readonly seed: number;
  readonly kills: number;
  /** Kinds of faults other than kills. */
  readonly faultKinds: readonly FaultKind[];
  /** Maximum number of faults other than kills. */
  readonly maxOtherFaults: number;
  readonly ordering: ChildInstructions['ordering'];
  /** Safeguards that are switched off. With any, only the workloads that depend on them run. */
  readonly broken: readonly Safeguard[];
  /** No new fault starts after this time. Entries that were added are still drained and checked. */
  readonly maxMs: number;
  readonly log: (line: string) => void;
}

export interface ChaosReport {
  readonly faultCounts: FaultCounts;
  readonly seconds: number;
  readonly workloads: ReadonlyMap<WorkloadName, CheckResult>;
  /** Processes that hung or failed. */
  readonly failures: readonly Difference[];
}

const MORE_POOLS = [SEARCH_POOLS, GARBAGE_POOLS, OWN_POOLS, COUNTER_POOLS, TICKET_POOLS, ...REPAIR_POOLS];

const POISON_RATE = 0.12;
/** More operations than the faults use up: the rest is drained at the end, in many lanes at once. */
const OPERATIONS_PER_KILL = 9;
const MIN_OPERATIONS = 320;
const OPERATIONS_PER_FAULT = 32;
/** All other faults happen once per this many kills. */
const KILLS_PER_ROUND = 200;

/** Runs consumers under kills and other faults, and checks that the outcome is as promised. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const servers = await startServers();
  try {
    return await runOn(servers, options);
  } finally {
    await stopServers(servers);
  }
}

async function runOn(servers: Servers, options: ChaosOptions): Promise<ChaosReport> {
  const startedAt = performance.now();
  const faults = chooseOtherFaults(options);
  const handledFile = `${servers.redis.default.directory}/handled.jsonl`;
  const { application, workloads } = await prepare(servers, options, faults.length, handledFile);
  const { ordering, broken, log, seed } = options;
  const campaign = new Campaign({
    instructions: { registryYaml: application.registryYaml, ordering, broken: [...broken], handledFile },
    log,
    workloads,
    servers,
    application,
    random: new Random(seed),
  });
  try {
    await injectAll(campaign, workloads, faults, options);
  } finally {
    campaign.close();
  }
  const results = new Map<WorkloadName, CheckResult>();
  for (const workload of workloads) results.set(workload.name, await workload.check());
  return {
    faultCounts: campaign.faultCounts,
    seconds: (performance.now() - startedAt) / 1000,
    workloads: results,
    failures: campaign.failures,
  };
}

function chooseOtherFaults({ seed, kills, broken, faultKinds, maxOtherFaults }: ChaosOptions): Fault[] {
  const random = new Random(seed);
  const rounds = Math.max(1, Math.round(kills / KILLS_PER_ROUND));
  return Array.from({ length: rounds }, () => otherFaults(random, broken, faultKinds))
    .flat()
    .slice(0, maxOtherFaults);
}

async function prepare(
  servers: Servers,
  { seed, kills, ordering, broken }: ChaosOptions,
  otherFaultCount: number,
  handledFile: string,
): Promise<{ readonly application: Application; readonly workloads: readonly Workload[] }> {
  const operations = MIN_OPERATIONS + OPERATIONS_PER_FAULT * otherFaultCount + OPERATIONS_PER_KILL * kills;
  const history = seededHistory(seed, operations, { ordering, poisonRate: POISON_RATE });
  const application = await loadApplication(history.recording, servers, MORE_POOLS);
  const random = new Random(seed);
  const preparations: Readonly<Record<WorkloadName, () => Promise<Workload>>> = {
    statements: async () => {
      const expected = await runOracle(history.recording, directServers(servers));
      return Statements.prepare(application, history, expected);
    },
    counters: () => Counters.prepare(application),
    tickets: () => Tickets.prepare(application, random),
    repairs: () => Repairs.prepare(application, broken.includes('redrive-whole')),
    search: () => Search.prepare(application),
    garbage: () => Garbage.prepare(application, random),
    'own streams': async () => new OwnStreams(application, random, handledFile),
  };
  const wanted = new Set<string>(broken.map((safeguard) => SAFEGUARD_FACTS[safeguard].workload));
  const workloads: Workload[] = [];
  for (const [name, prepareWorkload] of Object.entries(preparations))
    if (wanted.size === 0 || wanted.has(name)) workloads.push(await prepareWorkload());
  return { application, workloads };
}

/** Spreads the other faults evenly among the kills. */
async function injectAll(
  campaign: Campaign,
  workloads: readonly Workload[],
  otherFaultsInOrder: readonly Fault[],
  { seed, kills, broken, maxMs }: ChaosOptions,
): Promise<void> {
  const deadline = performance.now() + maxMs;
  const sequence = new KillSequence(new Random(seed), broken);
  const remaining = [...otherFaultsInOrder];
  while (performance.now() < deadline && workloads.every(({ hasMore }) => hasMore)) {
    const remainingKills = kills - campaign.killCount;
    if (remainingKills <= 0 && remaining.length === 0) break;
    const areKillsDue = remaining.length * kills <= remainingKills * otherFaultsInOrder.length;
    const fault = remainingKills > 0 && areKillsDue ? undefined : remaining.shift();
    await campaign.run(fault ?? { kind: 'kills', kills: sequence.take(remainingKills) });
  }
  await campaign.finish();
}
