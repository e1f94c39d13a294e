import { BACKGROUND_CONSUMER, backgroundConsumer } from '../candidates/background-consumer.ts';
import { startDelayProxy } from '../delay-proxy.ts';
import { inserts } from '../loads/inserts.ts';
import type { Bench, Workload } from './workload.ts';

const NEAR = 'no delay added';
const FAR = '1 ms added';
const WITHOUT_LEDGER = 'ledger off';
const WITH_LEDGER = 'ledger on';

/** Both variants use a proxy, so that they differ in the delay only. */
export const roundTripWorkload: Workload = {
  name: 'round-trip',
  title: 'inserts with 1 ms added to each round trip to MySQL',
  candidates: async ({ testbed, servers, entries }) => {
    const load = inserts(entries);
    const [near, far] = await Promise.all([
      startDelayProxy(servers.mysql.port, 0),
      startDelayProxy(servers.mysql.port, 1),
    ]);
    return [
      backgroundConsumer({ testbed, load, name: NEAR, registryFile: servers.writeRegistry(near) }),
      backgroundConsumer({ testbed, load, name: FAR, registryFile: servers.writeRegistry(far) }),
    ];
  },
  goals: [{ metric: 'rate', of: FAR, against: NEAR, atLeast: 0.7 }],
};

export const ledgerWorkload: Workload = {
  name: 'ledger',
  title: 'inserts with and without the ledger',
  candidates: async ({ testbed, servers: { registryFile }, entries }) => {
    const load = inserts(entries);
    return [
      backgroundConsumer({ testbed, registryFile, load, name: WITHOUT_LEDGER, executor: 'without-ledger' }),
      backgroundConsumer({ testbed, registryFile, load, name: WITH_LEDGER }),
    ];
  },
  goals: [{ metric: 'time per entry', of: WITH_LEDGER, against: WITHOUT_LEDGER, atMost: 1.15 }],
};

const SHORT = 'short backlog';
const LONG = 'long backlog';

/** With the default of 200,000 entries, the backlogs are 10,000 and 1,000,000 entries long. */
export const backlogWorkload: Workload = {
  name: 'backlog',
  title: 'a backlog that is a hundred times as long',
  candidates: async ({ testbed, servers: { registryFile }, entries }: Bench) => [
    backgroundConsumer({ testbed, registryFile, load: inserts(Math.ceil(entries / 20)), name: SHORT }),
    backgroundConsumer({ testbed, registryFile, load: inserts(Math.ceil(entries / 20) * 100), name: LONG }),
  ],
  goals: [
    { metric: 'time per entry', of: LONG, against: SHORT, atMost: 1.1 },
    { metric: 'peak memory', of: LONG, against: SHORT, atMost: 1.1 },
    { metric: 'peak memory', of: LONG, atMost: 200 },
  ],
};

export const pollerWorkload: Workload = {
  name: 'poller',
  title: 'poller alone, with an executor that replies at once',
  candidates: async ({ testbed, servers: { registryFile }, entries }) => [
    backgroundConsumer({ testbed, registryFile, load: inserts(entries), executor: 'instant' }),
  ],
  goals: [{ metric: 'rate', of: BACKGROUND_CONSUMER, atLeast: 60_000 }],
};
