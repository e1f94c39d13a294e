import { BACKGROUND_CONSUMER, backgroundConsumer } from '../candidates/background-consumer.ts';
import { bullmq } from '../candidates/bullmq.ts';
import type { Candidate, UnavailableCandidate } from '../candidates/candidate.ts';
import { limitProgram } from '../candidates/limit-program.ts';
import { commandPeer } from '../candidates/peer-command.ts';
import { RSYSLOG, rsyslog } from '../candidates/rsyslog.ts';
import { inserts } from '../loads/inserts.ts';
import type { Load } from '../loads/load.ts';
import { updates } from '../loads/updates.ts';
import type { Bench, Workload } from './workload.ts';

type LoadName = 'inserts' | 'updates';

const LOADS: Readonly<Record<LoadName, (entries: number) => Load>> = { inserts, updates };

/** BullMQ and rsyslog are so much slower that they get only this share of the entries. */
const SHARE_OF_SLOW_PEERS = 0.1;

export const insertsWorkload: Workload = {
  name: 'inserts',
  title: 'single-row lazy inserts',
  candidates: (bench) => createCandidates(bench, 'inserts'),
  goals: [
    { metric: 'rate', of: BACKGROUND_CONSUMER, against: 'limit program', atLeast: 1 },
    { metric: 'rate', of: BACKGROUND_CONSUMER, against: 'BullMQ', atLeast: 10 },
    { metric: 'rate', of: BACKGROUND_CONSUMER, against: 'rsyslog', atLeast: 5 },
  ],
};

export const updatesWorkload: Workload = {
  name: 'updates',
  title: 'single-row lazy updates of random rows',
  candidates: (bench) => createCandidates(bench, 'updates'),
  goals: [
    { metric: 'rate', of: BACKGROUND_CONSUMER, against: 'limit program', atLeast: 0.6 },
    { metric: 'rate', of: BACKGROUND_CONSUMER, against: 'BullMQ', atLeast: 6 },
    { metric: 'rate', of: BACKGROUND_CONSUMER, against: 'rsyslog', atLeast: 4 },
  ],
};

async function createCandidates(
  bench: Bench,
  loadName: LoadName,
): Promise<(Candidate | UnavailableCandidate)[]> {
  const { testbed, servers, entries } = bench;
  const load = LOADS[loadName](entries);
  const shortLoad = LOADS[loadName](Math.ceil(entries * SHARE_OF_SLOW_PEERS));
  const { mysqlUri, redisAddress, registryFile } = servers;
  return [
    limitProgram(testbed, mysqlUri, load, loadName),
    backgroundConsumer({ testbed, registryFile, load }),
    bullmq({ testbed, mysqlUri, redisAddress }, shortLoad, loadName),
    await rsyslogIfAvailable(bench, shortLoad),
    ...bench.peers.map((peer) => commandPeer(peer, testbed, servers, load)),
  ];
}

async function rsyslogIfAvailable(bench: Bench, load: Load): Promise<Candidate | UnavailableCandidate> {
  try {
    return rsyslog(await bench.rsyslog(), bench.testbed, bench.servers, load);
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    return { name: RSYSLOG, reason: reason ?? '' };
  }
}
