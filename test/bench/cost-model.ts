/** Measurements of one consumer on one kind of load. */
export interface MeasuredDurations {
  /** Entries that one poller settles per second. */
  readonly entriesPerSecond: number;
  /** Statements and log rows per entry. */
  readonly itemsPerEntry: number;
  readonly itemsPerBatch: number;
  /** Duration of one batch in the executor. */
  readonly secondsPerBatch: number;
}

/** In US dollars. */
export interface LambdaPrices {
  /** Price of one gigabyte of memory for one second. */
  readonly perGigabyteSecond: number;
  readonly perMillionRequests: number;
}

export interface FunctionSizes {
  /** In gigabytes. */
  readonly pollerMemory: number;
  readonly executorMemory: number;
  /** How long one invocation of the poller drains, in seconds. */
  readonly pollerBudget: number;
  /** Time that is billed per batch in addition to the duration of the batch, in seconds. */
  readonly invocationOverhead: number;
}

export interface CostPart {
  /** The function's name. */
  readonly what: string;
  readonly invocations: number;
  readonly seconds: number;
  readonly gigabyteSeconds: number;
  readonly dollars: number;
}

const MILLION = 1_000_000;

/** Computes what a million entries cost: the duration and the requests of both functions. */
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
