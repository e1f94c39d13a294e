import { OURS, ours } from '../candidates/background-consumer.ts';
import { bullmq } from '../candidates/bullmq.ts';
import type { Absentee, Contestant } from '../candidates/candidate.ts';
import { limitProgram } from '../candidates/limit-program.ts';
import { commandPeer } from '../candidates/peer-command.ts';
import { RSYSLOG, rsyslog } from '../candidates/rsyslog.ts';
import { inserts } from '../loads/inserts.ts';
import type { Load } from '../loads/load.ts';
import { updates } from '../loads/updates.ts';
import type { Bench, Workload } from './workload.ts';

type LoadName = 'inserts' | 'updates';

const LOADS: Readonly<Record<LoadName, (entries: number) => Load>> = { inserts, updates };

/** BullMQ and rsyslog take minutes for what the others do in a second: they get this share of it. */
const SHARE_OF_SLOW_PEERS = 0.1;

export const insertsWorkload: Workload = {
  name: 'inserts',
  title: 'single-row lazy inserts',
  contestants: (bench) => everybody(bench, 'inserts'),
  goals: [
    { metric: 'rate', of: OURS, against: 'limit program', atLeast: 1 },
    { metric: 'rate', of: OURS, against: 'BullMQ', atLeast: 10 },
    { metric: 'rate', of: OURS, against: 'rsyslog', atLeast: 5 },
  ],
};

export const updatesWorkload: Workload = {
  name: 'updates',
  title: 'single-row lazy updates of random rows',
  contestants: (bench) => everybody(bench, 'updates'),
  goals: [
    { metric: 'rate', of: OURS, against: 'limit program', atLeast: 0.6 },
    { metric: 'rate', of: OURS, against: 'BullMQ', atLeast: 6 },
    { metric: 'rate', of: OURS, against: 'rsyslog', atLeast: 4 },
  ],
};

async function everybody(bench: Bench, loadName: LoadName): Promise<(Contestant | Absentee)[]> {
  const { stage, servers, entries } = bench;
  const load = LOADS[loadName](entries);
  const shortLoad = LOADS[loadName](Math.ceil(entries * SHARE_OF_SLOW_PEERS));
  const { mysqlUri, redisAddress, registryFile } = servers;
  return [
    limitProgram(stage, mysqlUri, load, loadName),
    ours({ stage, registryFile, load }),
    bullmq({ stage, mysqlUri, redis: redisAddress }, shortLoad, loadName),
    await rsyslogOrAbsence(bench, shortLoad),
    ...bench.peers.map((peer) => commandPeer(peer, stage, servers, load)),
  ];
}

async function rsyslogOrAbsence(bench: Bench, load: Load): Promise<Contestant | Absentee> {
  try {
    return rsyslog(await bench.rsyslog(), bench.stage, bench.servers, load);
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    return { name: RSYSLOG, absence: reason ?? '' };
  }
}
