import type { Random } from '../kit/generate/random.ts';
import type { ChooseNetworkFault, NetworkFault } from './network-proxy.ts';

/**
 * Requests whose lost reply leaves the most in doubt: the client cannot know whether the transaction was committed, or
 * whether the script ran.
 */
const COMMIT = Buffer.from('\u0003COMMIT');
const SCRIPT = Buffer.from('EVALSHA');

/** Maximum delay of a request that arrives late. */
export const MAX_DELAY_MS = 300;

/** Chooses faults for connections to MySQL, most of them at a COMMIT, and reports each to `count`. */
export function mysqlFaults(random: Random, count: (fault: NetworkFault) => void): ChooseNetworkFault {
  return chooseFault(random, { request: COMMIT, rate: 0.25, otherRate: 0.01 }, count);
}

/** Chooses faults for connections to Redis, most of them at a script, and reports each to `count`. */
export function redisFaults(random: Random, count: (fault: NetworkFault) => void): ChooseNetworkFault {
  return chooseFault(random, { request: SCRIPT, rate: 0.06, otherRate: 0.02 }, count);
}

interface Rates {
  readonly request: Buffer;
  /** Share of these requests that get a fault, from 0 to 1. */
  readonly rate: number;
  readonly otherRate: number;
}

function chooseFault(random: Random, rates: Rates, count: (fault: NetworkFault) => void): ChooseNetworkFault {
  return (bytes) => {
    if (!random.chance(bytes.includes(rates.request) ? rates.rate : rates.otherRate)) return undefined;
    const fault = randomFault(random);
    count(fault);
    return fault;
  };
}

function randomFault(random: Random): NetworkFault {
  const ms = random.integer(1, MAX_DELAY_MS);
  return random.pick<NetworkFault>([
    { kind: 'cut' },
    { kind: 'delay', ms },
    { kind: 'drop-reply' },
    { kind: 'drop-reply' },
    { kind: 'late', ms },
  ]);
}
