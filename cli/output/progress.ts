import { createLogUpdate } from 'log-update';
import type { ChannelSummary, DrainSummary } from '../../shared/drain-summary.ts';
import type { Logger, LoggerOptions } from '../../shared/logging.ts';
import type { Output } from '../context.ts';
import { Rates } from './rates.ts';
import { formatTable } from './table.ts';

const SECOND_MS = 1000;
const REDRAW_MS = 100;
const LOG_MS = 5 * SECOND_MS;

/** Shows the progress of a drain. */
export interface Progress {
  update(summary: DrainSummary): void;
  /** Stops updating. */
  done(): void;
}

/** A table that is redrawn in place, with log lines above it. */
export class LiveProgress implements Progress {
  /** Destination for log lines that keeps them from breaking the table. */
  readonly logDestination: LoggerOptions['destination'];
  readonly #draw: ReturnType<typeof createLogUpdate>;
  readonly #rates = new Rates();
  #drawnAt = Number.NEGATIVE_INFINITY;
  #isDone = false;

  constructor(terminal: Output) {
    this.#draw = createLogUpdate(terminal, { showCursor: true });
    this.logDestination = {
      isTTY: true,
      write: (line) => {
        if (this.#isDone) terminal.write(line);
        else this.#draw.persist(line.trimEnd());
      },
    };
  }

  update(summary: DrainSummary): void {
    const rates = this.#rates.update(summary);
    const now = performance.now();
    if (now - this.#drawnAt >= REDRAW_MS) {
      this.#drawnAt = now;
      this.#draw(progressTable(summary, rates));
    }
  }

  done(): void {
    this.#isDone = true;
    this.#draw.clear();
    this.#draw.done();
  }
}

/** A log line every few seconds, for files and pipes. */
export class LoggedProgress implements Progress {
  readonly #logger: Logger;
  readonly #rates = new Rates();
  #loggedAt = performance.now();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  update(summary: DrainSummary): void {
    const rates = this.#rates.update(summary);
    const now = performance.now();
    if (now - this.#loggedAt >= LOG_MS) {
      this.#loggedAt = now;
      this.#logger.info('draining', progressFields(summary, rates));
    }
  }

  done(): void {}
}

function progressTable(summary: DrainSummary, rates: ReadonlyMap<string, number>): string {
  const rows = Object.entries(summary.channels).map(([name, channel]) => [
    name,
    channel.entries,
    rates.get(name) ?? 0,
    channel.pending,
    formatBacklog(channel),
    channel.deadLetters,
    channel.error?.code ?? '',
  ]);
  const head = ['channel', 'entries', 'per second', 'pending', 'backlog', 'dead letters', ''];
  return `${formatTable(head, rows)}\n${summary.seconds.toFixed(1)} s`;
}

function formatBacklog({ backlog }: ChannelSummary): number | string {
  return backlog ?? 'unknown';
}

function progressFields(summary: DrainSummary, rates: ReadonlyMap<string, number>): Record<string, unknown> {
  const channels = Object.entries(summary.channels).map(
    ([name, { entries, pending, backlog, deadLetters }]) => [
      name,
      { entries, perSecond: Math.round(rates.get(name) ?? 0), pending, backlog, deadLetters },
    ],
  );
  return { seconds: summary.seconds, ...Object.fromEntries(channels) };
}
