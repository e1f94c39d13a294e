import type { DrainSummary } from '../../shared/drain-summary.ts';
import { Drain, type DrainOptions } from './drain/drain.ts';
import type { PollerOptions } from './poller-options.ts';

/** Drains the streams of one registry, as often as it is asked. */
export class Poller {
  readonly #options: PollerOptions;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** @throws BackgroundConsumerError where nothing can be drained at all */
  drain(options: DrainOptions): Promise<DrainSummary> {
    return new Drain(this.#options, options).run();
  }
}
