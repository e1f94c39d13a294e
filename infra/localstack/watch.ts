import { setTimeout as sleep } from 'node:timers/promises';
import { FunctionConsumer } from '../../cli/consumer/function-consumer.ts';
import { count, formatNumber } from '../../cli/output/table.ts';
import { redisAddressOf } from '../local/demo/demo-servers.ts';
import { type RowSample, readRowSamples } from '../local/demo/row-samples.ts';
import { readStreamStates, type StreamState } from '../local/demo/stream-states.ts';
import { clientConfig } from './client-config.ts';
import { atTime, describeLogLines } from './describe-log-lines.ts';
import { FunctionLogs } from './function-logs.ts';
import type { Stage } from './deployed-demo.ts';

const INTERVAL_MS = 1000;

export interface Moment {
  readonly streams: readonly StreamState[];
  readonly rows: readonly RowSample[];
}

/** Shows what becomes of a stage: streams, rows, dead letters, and the functions' words, each when it changes. */
export class Watch {
  readonly #stage: Stage;
  readonly #say: (line: string) => void;
  readonly #logs: readonly (readonly [part: string, logs: FunctionLogs])[];
  #last: Moment | undefined;

  constructor(stage: Stage, say: (line: string) => void) {
    this.#stage = stage;
    this.#say = say;
    this.#logs = (['poller', 'executor'] as const).map((part) => [
      part,
      new FunctionLogs(stage.localStack, stage.functions[part]),
    ]);
  }

  /** Until `isDone` says so of a moment that has been shown; rejects when the signal comes. */
  async until(isDone: (moment: Moment) => boolean, signal: AbortSignal): Promise<Moment> {
    for (;;) {
      const moment = await this.#look();
      if (isDone(moment)) return moment;
      await sleep(INTERVAL_MS, undefined, { signal });
    }
  }

  async #look(): Promise<Moment> {
    const { servers } = this.#stage;
    const before = this.#last;
    const streams = await readStreamStates(redisAddressOf(servers, 'default'));
    const rows = await readRowSamples(servers.mysql);
    this.#last = { streams, rows };
    if (before !== undefined) {
      for (const line of changedStreams(before.streams, streams)) this.#tell('redis', line);
      for (const line of changedRows(before.rows, rows)) this.#tell('mysql', line);
      if (deadLetters(streams) > deadLetters(before.streams)) await this.#tellDeadLetters();
    }
    for (const [part, logs] of this.#logs)
      for (const line of describeLogLines(part, await logs.read())) this.#say(line);
    return { streams, rows };
  }

  /** Through the function, as people do it. */
  async #tellDeadLetters(): Promise<void> {
    const { localStack, functions } = this.#stage;
    const consumer = new FunctionConsumer(functions.operations, clientConfig(localStack));
    try {
      for await (const { stream, id, code, message } of consumer.list({}))
        this.#tell('letters', `${stream} ${id}: ${code} ${message}`);
    } finally {
      consumer.close();
    }
  }

  #tell(part: string, text: string): void {
    this.#say(atTime(Date.now(), part, text));
  }
}

/** Whether the consumer's group is there, which it makes when it first reads. */
export function hasBegun({ streams }: Moment): boolean {
  return streams.some(({ unread }) => unread !== undefined);
}

export function isDrained(moment: Moment): boolean {
  const { streams } = moment;
  return hasBegun(moment) && streams.every(({ unread = 0, pending = 0 }) => unread + pending === 0);
}

function deadLetters(streams: readonly StreamState[]): number {
  return streams.reduce((sum, state) => sum + state.deadLetters, 0);
}

function changedStreams(before: readonly StreamState[], after: readonly StreamState[]): string[] {
  return after.flatMap((state, index) => {
    const line = describeStream(state);
    const previous = before[index];
    return previous !== undefined && describeStream(previous) === line ? [] : [line];
  });
}

function describeStream({ stream, entries, unread, pending, deadLetters }: StreamState): string {
  if (unread === undefined) return `${stream}: ${count(entries, 'entry', 'entries')}`;
  const left = `${formatNumber(unread)} unread, ${formatNumber(pending ?? 0)} pending`;
  return `${stream}: ${left}, ${count(deadLetters, 'dead letter')}`;
}

function changedRows(before: readonly RowSample[], after: readonly RowSample[]): string[] {
  return after.flatMap(({ title, row }, index) => (before[index]?.row === row ? [] : [`${title}: ${row}`]));
}
