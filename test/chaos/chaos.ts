import { plantCacheKeys } from '../kit/cache-keys.ts';
import { compareState } from '../kit/compare.ts';
import type { Difference } from '../kit/difference.ts';
import { seededHistory } from '../kit/generate/history.ts';
import { Random } from '../kit/generate/random.ts';
import { runOracle } from '../kit/run-oracle.ts';
import { readState } from '../kit/state.ts';
import type { Outcome } from '../oracle/outcome.ts';
import type { StreamEntry } from '../oracle/stream-entry.ts';
import { Campaign, type Casualties } from './campaign.ts';
import { KillSequence, TELLING_POINTS } from './kills.ts';
import { plantKeysOfLaterIds } from './later-ids.ts';
import { type Mechanism, type Orders, POINTS } from './orders.ts';
import { Application, directPlacement, type Servers, startServers, stopServers } from './place.ts';
import { otherTroubles, type Trouble } from './troubles.ts';

export interface ChaosOptions {
  /** Decides the history and what happens to the consumer; when exactly it happens is up to the machine. */
  readonly seed: number;
  readonly kills: number;
  readonly ordering: Orders['ordering'];
  /** A mechanism that is switched off. */
  readonly broken: Mechanism | null;
  /** After this, nothing more is begun; what was begun is drained and compared. */
  readonly mostMs: number;
  readonly tell: (line: string) => void;
}

export interface ChaosReport extends Casualties {
  readonly entries: number;
  readonly seconds: number;
  readonly differences: readonly Difference[];
}

const POISON_RATE = 0.12;
/** More than the troubles need: what is left over is drained at the end, many lanes at once. */
const OPERATIONS_A_KILL = 9;
const LEAST_OPERATIONS = 300;
const OPERATIONS_A_TROUBLE = 32;
/** The other troubles come once for so many kills. */
const KILLS_A_ROUND = 200;

/** Generates a history, drains it under kills and other troubles, and compares with its serial application. */
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
  const { application, expected, entries } = await prepare(servers, options, troubles.length);
  const campaign = new Campaign({ ...options, application, servers, random: new Random(options.seed) });
  try {
    await endure(campaign, application, troubles, options);
  } finally {
    campaign.close();
  }
  const differences = compareState(expected, await readState(application.registry), entries);
  return {
    ...campaign.casualties,
    entries: entries.length,
    seconds: (performance.now() - startedAt) / 1000,
    differences: [...campaign.casualties.failures, ...differences],
  };
}

function troublesOf({ seed, kills, broken }: ChaosOptions): Trouble[] {
  const random = new Random(seed);
  const rounds = Math.max(1, Math.round(kills / KILLS_A_ROUND));
  return Array.from({ length: rounds }, () => otherTroubles(random, broken)).flat();
}

interface Prepared {
  readonly application: Application;
  readonly expected: Outcome;
  readonly entries: readonly StreamEntry[];
}

async function prepare(
  servers: Servers,
  { seed, kills, ordering, tell }: ChaosOptions,
  troubles: number,
): Promise<Prepared> {
  const operations = LEAST_OPERATIONS + OPERATIONS_A_TROUBLE * troubles + OPERATIONS_A_KILL * kills;
  const history = seededHistory(seed, operations, { ordering, poisonRate: POISON_RATE });
  const { entries } = history;
  const expected = await runOracle(history.recording, directPlacement(servers));
  const application = await Application.load(history, servers);
  await plantCacheKeys(application.registry, expected);
  await plantKeysOfLaterIds(application.registry, expected);
  tell(`${entries.length} entries, ${expected.deadLetters.length} of them must become dead letters`);
  return { application, expected, entries };
}

/** The other troubles stand evenly among the kills. */
async function endure(
  campaign: Campaign,
  application: Application,
  troubles: readonly Trouble[],
  { seed, kills, broken, mostMs }: ChaosOptions,
): Promise<void> {
  const deadline = performance.now() + mostMs;
  const sequence = new KillSequence(new Random(seed), broken === null ? POINTS : TELLING_POINTS);
  const left = [...troubles];
  while (performance.now() < deadline && application.entriesLeft > 0) {
    const killsLeft = kills - campaign.killCount;
    if (killsLeft <= 0 && left.length === 0) break;
    const areKillsDue = left.length * kills <= killsLeft * troubles.length;
    const trouble = killsLeft > 0 && areKillsDue ? undefined : left.shift();
    await campaign.run(trouble ?? { kind: 'kills', kills: sequence.take(killsLeft) });
  }
  await campaign.finish();
}
