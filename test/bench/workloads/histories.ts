import { OURS, ours } from '../candidates/background-consumer.ts';
import { limitProgram } from '../candidates/limit-program.ts';
import { commandPeer } from '../candidates/peer-command.ts';
import { inserts } from '../loads/inserts.ts';
import { logs } from '../loads/logs.ts';
import { mixed } from '../loads/mixed.ts';
import { updates } from '../loads/updates.ts';
import type { Workload } from './workload.ts';

export const mixedWorkload: Workload = {
  name: 'mixed',
  title: 'mixed history with all effects, against updates',
  contestants: async ({ stage, servers, entries, peers }) => {
    const load = mixed(entries);
    return [
      limitProgram(stage, servers.mysqlUri, updates(entries), 'updates'),
      ours({ stage, registryFile: servers.registryFile, load }),
      ...peers.map((peer) => commandPeer(peer, stage, servers, load)),
    ];
  },
  goals: [{ metric: 'rate', of: OURS, against: 'limit program', atLeast: 0.35 }],
};

export const logWorkload: Workload = {
  name: 'log',
  title: 'log entries, against inserts',
  contestants: async ({ stage, servers, entries, peers }) => {
    const load = logs(entries);
    return [
      limitProgram(stage, servers.mysqlUri, inserts(entries), 'inserts'),
      ours({ stage, registryFile: servers.registryFile, load }),
      ...peers.map((peer) => commandPeer(peer, stage, servers, load)),
    ];
  },
  goals: [{ metric: 'rate', of: OURS, against: 'limit program', atLeast: 1 }],
};
