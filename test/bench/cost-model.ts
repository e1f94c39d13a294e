/** What was measured of one consumer on one kind of load. */
export interface MeasuredDurations {
  /** Entries that one poller settles a second. */
  readonly entriesPerSecond: number;
  /** Statements and log rows for each entry. */
  readonly itemsPerEntry: number;
  readonly itemsPerBatch: number;
  /** Of one batch in the executor, in seconds. */
  readonly secondsPerBatch: number;
}

/** In US dollars. */
export interface LambdaPrices {
  /** For a gigabyte of memory during a second. */
  readonly perGigabyteSecond: number;
  readonly perMillionRequests: number;
}

export interface FunctionSizes {
  /** In gigabytes. */
  readonly pollerMemory: number;
  readonly executorMemory: number;
  /** How long the poller works in one invocation, in seconds. */
  readonly pollerBudget: number;
  /** Between two invocations of an executor that isn't there yet and the first statement, in seconds. */
  readonly invocationOverhead: number;
}

export interface CostPart {
  readonly what: string;
  readonly invocations: number;
  readonly seconds: number;
  readonly gigabyteSeconds: number;
  readonly dollars: number;
}

const MILLION = 1_000_000;

/** What settling a million entries costs: the poller's seconds, the executor's, and the requests of both. */
export function costOfMillion(
  measured: MeasuredDurations,
  sizes: FunctionSizes,
  prices: LambdaPrices,
): CostPart[] {
  const pollerSeconds = MILLION / measured.entriesPerSecond;
  const batches = Math.ceil((MILLION * measured.itemsPerEntry) / measured.itemsPerBatch);
  const part = (what: string, invocations: number, seconds: number, memory: number): CostPart => {
    const gigabyteSeconds = seconds * memory;
    const dollars =
      gigabyteSeconds * prices.perGigabyteSecond + (invocations / MILLION) * prices.perMillionRequests;
    return { what, invocations, seconds, gigabyteSeconds, dollars };
  };
  return [
    part('poller', Math.ceil(pollerSeconds / sizes.pollerBudget), pollerSeconds, sizes.pollerMemory),
    part(
      'sql-executor',
      batches,
      batches * (measured.secondsPerBatch + sizes.invocationOverhead),
      sizes.executorMemory,
    ),
  ];
}
