import type { DrainSummary } from '../../shared/drain-summary.ts';

/** Long enough to keep a rate from fluctuating with each batch. */
const WINDOW_SECONDS = 5;

interface Sample {
  readonly seconds: number;
  readonly entries: ReadonlyMap<string, number>;
}

/** Entries per second of each channel, over the last few seconds. */
export class Rates {
  readonly #samples: Sample[] = [{ seconds: 0, entries: new Map() }];

  /** Records the counts so far and returns the rates by channel name. */
  update({ seconds, channels }: DrainSummary): ReadonlyMap<string, number> {
    const entries = new Map(Object.entries(channels).map(([name, channel]) => [name, channel.entries]));
    this.#samples.push({ seconds, entries });
    while ((this.#samples[1]?.seconds ?? seconds) <= seconds - WINDOW_SECONDS) this.#samples.shift();
    const [oldest] = this.#samples;
    const elapsed = seconds - (oldest?.seconds ?? 0);
    return new Map(
      [...entries].map(([name, count]) => {
        const grown = count - (oldest?.entries.get(name) ?? 0);
        return [name, elapsed > 0 ? grown / elapsed : 0];
      }),
    );
  }
}
