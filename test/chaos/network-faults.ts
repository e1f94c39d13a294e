import type { Random } from '../kit/generate/random.ts';
import type { ChooseFault, Fault } from './network-proxy.ts';

/** The request whose lost reply leaves most in doubt: whether a transaction was committed, whether a script ran. */
const COMMIT = Buffer.from('\u0003COMMIT');
const SCRIPT = Buffer.from('EVALSHA');

/** Of a request that arrives late. */
export const MAX_DELAY_MS = 300;

/** Faults of MySQL's connections, most of them at a COMMIT. `count` is told of each. */
export function mysqlFaults(random: Random, count: (fault: Fault) => void): ChooseFault {
  return chooseFault(random, { request: COMMIT, rate: 0.25, otherRate: 0.01 }, count);
}

/** Faults of Redis' connections, most of them at a script. `count` is told of each. */
export function redisFaults(random: Random, count: (fault: Fault) => void): ChooseFault {
  return chooseFault(random, { request: SCRIPT, rate: 0.06, otherRate: 0.02 }, count);
}

interface Rates {
  readonly request: Buffer;
  /** Share of such requests that meet a fault, 0 to 1. */
  readonly rate: number;
  readonly otherRate: number;
}

function chooseFault(random: Random, rates: Rates, count: (fault: Fault) => void): ChooseFault {
  return (bytes) => {
    if (!random.chance(bytes.includes(rates.request) ? rates.rate : rates.otherRate)) return undefined;
    const fault = randomFault(random);
    count(fault);
    return fault;
  };
}

function randomFault(random: Random): Fault {
  const ms = random.integer(1, MAX_DELAY_MS);
  return random.pick<Fault>([
    { kind: 'cut' },
    { kind: 'delay', ms },
    { kind: 'drop-reply' },
    { kind: 'drop-reply' },
    { kind: 'late', ms },
  ]);
}
