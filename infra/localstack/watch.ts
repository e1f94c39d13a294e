import { setTimeout as sleep } from 'node:timers/promises';
import { FunctionConsumer } from '../../cli/consumer/function-consumer.ts';
import { count, formatNumber } from '../../cli/output/table.ts';
import { redisAddressOf } from '../local/demo/demo-servers.ts';
import { type RowSample, readRowSamples } from '../local/demo/row-samples.ts';
import { readStreamStates, type StreamState } from '../local/demo/stream-states.ts';
import { clientConfig } from './client-config.ts';
import type { DeployedDemo } from './deployed-demo.ts';
import { atTime, describeLogLines } from './describe-log-lines.ts';
import { FunctionLogs } from './function-logs.ts';

const INTERVAL_MS = 1000;

export interface Snapshot {
  readonly streams: readonly StreamState[];
  readonly rows: readonly RowSample[];
}

/** Shows what happens in the demo: streams, rows and dead letters when they change, and new log lines. */
export class Watch {
  readonly #demo: DeployedDemo;
  readonly #print: (line: string) => void;
  readonly #logs: readonly (readonly [source: string, logs: FunctionLogs])[];
  #previous: Snapshot | undefined;

  constructor(demo: DeployedDemo, print: (line: string) => void) {
    this.#demo = demo;
    this.#print = print;
    this.#logs = (['poller', 'executor'] as const).map((source) => [
      source,
      new FunctionLogs(demo.localStack, demo.functions[source]),
    ]);
  }

  /** Shows changes until a snapshot fulfills the condition, and returns it. Rejects when the signal is aborted. */
  async waitUntil(isFulfilled: (snapshot: Snapshot) => boolean, signal: AbortSignal): Promise<Snapshot> {
    for (;;) {
      const snapshot = await this.#showChanges();
      if (isFulfilled(snapshot)) return snapshot;
      await sleep(INTERVAL_MS, undefined, { signal });
    }
  }

  async #showChanges(): Promise<Snapshot> {
    const { servers } = this.#demo;
    const before = this.#previous;
    const streams = await readStreamStates(redisAddressOf(servers, 'default'));
    const rows = await readRowSamples(servers.mysql);
    this.#previous = { streams, rows };
    if (before !== undefined) {
      for (const line of changedStreams(before.streams, streams)) this.#show('redis', line);
      for (const line of changedRows(before.rows, rows)) this.#show('mysql', line);
      if (countDeadLetters(streams) > countDeadLetters(before.streams)) await this.#showDeadLetters();
    }
    for (const [source, logs] of this.#logs)
      for (const line of describeLogLines(source, await logs.read())) this.#print(line);
    return { streams, rows };
  }

  /** Lists the dead letters through the function, as an operator would. */
  async #showDeadLetters(): Promise<void> {
    const { localStack, functions } = this.#demo;
    const consumer = new FunctionConsumer(functions.operations, clientConfig(localStack));
    try {
      for await (const { stream, id, code, message } of consumer.list({}))
        this.#show('letters', `${stream} ${id}: ${code} ${message}`);
    } finally {
      consumer.close();
    }
  }

  #show(source: string, text: string): void {
    this.#print(atTime(Date.now(), source, text));
  }
}

/** Returns whether the consumer's group exists. The consumer creates it when it reads for the first time. */
export function hasStarted({ streams }: Snapshot): boolean {
  return streams.some(({ unread }) => unread !== undefined);
}

export function isDrained(snapshot: Snapshot): boolean {
  const { streams } = snapshot;
  return hasStarted(snapshot) && streams.every(({ unread = 0, pending = 0 }) => unread + pending === 0);
}

function countDeadLetters(streams: readonly StreamState[]): number {
  return streams.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
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
  const remaining = `${formatNumber(unread)} unread, ${formatNumber(pending ?? 0)} pending`;
  return `${stream}: ${remaining}, ${count(deadLetters, 'dead letter')}`;
}

function changedRows(before: readonly RowSample[], after: readonly RowSample[]): string[] {
  return after.flatMap(({ title, row }, index) => (before[index]?.row === row ? [] : [`${title}: ${row}`]));
}
