import { BACKGROUND_CONSUMER, backgroundConsumer } from '../candidates/background-consumer.ts';
import { limitProgram } from '../candidates/limit-program.ts';
import { commandPeer } from '../candidates/peer-command.ts';
import { inserts } from '../loads/inserts.ts';
import { logs } from '../loads/logs.ts';
import { mixed } from '../loads/mixed.ts';
import { updates } from '../loads/updates.ts';
import type { Workload } from './workload.ts';

export const mixedWorkload: Workload = {
  name: 'mixed',
  title: 'mixed history with all effects, compared with updates',
  candidates: async ({ testbed, servers, entries, peers }) => {
    const load = mixed(entries);
    return [
      limitProgram(testbed, servers.mysqlUri, updates(entries), 'updates'),
      backgroundConsumer({ testbed, registryFile: servers.registryFile, load }),
      ...peers.map((peer) => commandPeer(peer, testbed, servers, load)),
    ];
  },
  goals: [{ metric: 'rate', of: BACKGROUND_CONSUMER, against: 'limit program', atLeast: 0.35 }],
};

export const logWorkload: Workload = {
  name: 'log',
  title: 'log entries, compared with inserts',
  candidates: async ({ testbed, servers, entries, peers }) => {
    const load = logs(entries);
    return [
      limitProgram(testbed, servers.mysqlUri, inserts(entries), 'inserts'),
      backgroundConsumer({ testbed, registryFile: servers.registryFile, load }),
      ...peers.map((peer) => commandPeer(peer, testbed, servers, load)),
    ];
  },
  goals: [{ metric: 'rate', of: BACKGROUND_CONSUMER, against: 'limit program', atLeast: 1 }],
};
