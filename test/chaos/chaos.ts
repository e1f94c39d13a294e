import type { Difference } from '../kit/difference.ts';
import { seededHistory } from '../kit/generate/history.ts';
import { Random } from '../kit/generate/random.ts';
import { runOracle } from '../kit/run-oracle.ts';
import { Campaign, type Casualties } from './campaign.ts';
import { directServers, loadApplication, type Servers, startServers, stopServers } from './chaos-servers.ts';
import type { Orders } from './child-instructions.ts';
import { otherTroubles, type Trouble } from './faults.ts';
import { KillSequence } from './kills.ts';
import { MECHANISM_FACTS, type Mechanism, type SubjectName } from './safeguards.ts';
import { GARBAGE_POOLS, Garbage } from './workloads/garbage.ts';
import { OWN_POOLS, OwnStreams } from './workloads/own-streams.ts';
import { SEARCH_POOLS, Search } from './workloads/search.ts';
import { Statements } from './workloads/statements.ts';
import type { Examination, Subject } from './workloads/workload.ts';

export interface ChaosOptions {
  /** Decides what there is to do and what happens to the consumer; when exactly it happens is up to the machine. */
  readonly seed: number;
  readonly kills: number;
  /** Beside the kills, at most: pauses, networks that fail, servers that are restarted. */
  readonly troubles: number;
  readonly ordering: Orders['ordering'];
  /** Mechanisms that are switched off; then only their subjects are there. */
  readonly broken: readonly Mechanism[];
  /** After this, nothing more is begun; what was begun is drained and checked. */
  readonly maxMs: number;
  readonly tell: (line: string) => void;
}

export interface ChaosReport extends Casualties {
  readonly seconds: number;
  readonly subjects: ReadonlyMap<SubjectName, Examination>;
  /** Of processes that did not end as they should. */
  readonly failures: readonly Difference[];
}

const MORE_POOLS = [SEARCH_POOLS, GARBAGE_POOLS, OWN_POOLS];

const POISON_RATE = 0.12;
/** More than the troubles need: what is left over is drained at the end, many lanes at once. */
const OPERATIONS_A_KILL = 9;
const MIN_OPERATIONS = 320;
const OPERATIONS_A_TROUBLE = 32;
/** The other troubles come once for so many kills. */
const KILLS_A_ROUND = 200;

/** Has consumers do what there is to do under kills and other troubles, and checks what is promised of it. */
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
  const troubles = troublesOf(options);
  const handledFile = `${servers.redis.default.directory}/handled.jsonl`;
  const { registryYaml, subjects } = await prepare(servers, options, troubles.length, handledFile);
  const { ordering, broken, tell, seed } = options;
  const campaign = new Campaign({
    orders: { registryYaml, ordering, broken: [...broken], handledFile },
    tell,
    subjects,
    servers,
    random: new Random(seed),
  });
  try {
    await endure(campaign, subjects, troubles, options);
  } finally {
    campaign.close();
  }
  const examinations = new Map<SubjectName, Examination>();
  for (const subject of subjects) examinations.set(subject.name, await subject.examine());
  return {
    ...campaign.casualties,
    seconds: (performance.now() - startedAt) / 1000,
    subjects: examinations,
    failures: campaign.failures,
  };
}

function troublesOf({ seed, kills, broken, troubles }: ChaosOptions): Trouble[] {
  const random = new Random(seed);
  const rounds = Math.max(1, Math.round(kills / KILLS_A_ROUND));
  return Array.from({ length: rounds }, () => otherTroubles(random, broken))
    .flat()
    .slice(0, troubles);
}

async function prepare(
  servers: Servers,
  { seed, kills, ordering, broken }: ChaosOptions,
  troubles: number,
  handledFile: string,
): Promise<{ readonly registryYaml: string; readonly subjects: readonly Subject[] }> {
  const operations = MIN_OPERATIONS + OPERATIONS_A_TROUBLE * troubles + OPERATIONS_A_KILL * kills;
  const history = seededHistory(seed, operations, { ordering, poisonRate: POISON_RATE });
  const application = await loadApplication(history.recording, servers, MORE_POOLS);
  const random = new Random(seed);
  const preparations: Readonly<Record<SubjectName, () => Promise<Subject>>> = {
    statements: async () => {
      const expected = await runOracle(history.recording, directServers(servers));
      return Statements.prepare(application, history, expected);
    },
    search: () => Search.prepare(application),
    garbage: () => Garbage.prepare(application, random),
    'own streams': async () => new OwnStreams(application, random, handledFile),
  };
  const wanted = new Set(broken.map((mechanism) => MECHANISM_FACTS[mechanism].subject));
  const subjects: Subject[] = [];
  for (const [name, prepareIt] of Object.entries(preparations))
    if (wanted.size === 0 || [...wanted].some((its) => its === name)) subjects.push(await prepareIt());
  return { registryYaml: application.registryYaml, subjects };
}

/** The other troubles stand evenly among the kills. */
async function endure(
  campaign: Campaign,
  subjects: readonly Subject[],
  troubles: readonly Trouble[],
  { seed, kills, broken, maxMs }: ChaosOptions,
): Promise<void> {
  const deadline = performance.now() + maxMs;
  const sequence = new KillSequence(new Random(seed), broken);
  const left = [...troubles];
  while (performance.now() < deadline && subjects.every(({ hasMore }) => hasMore)) {
    const killsLeft = kills - campaign.killCount;
    if (killsLeft <= 0 && left.length === 0) break;
    const areKillsDue = left.length * kills <= killsLeft * troubles.length;
    const trouble = killsLeft > 0 && areKillsDue ? undefined : left.shift();
    await campaign.run(trouble ?? { kind: 'kills', kills: sequence.take(killsLeft) });
  }
  await campaign.finish();
}
