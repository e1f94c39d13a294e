import fc from 'fast-check';
import type { Recording } from '../../../infra/local/recording/recording.ts';
import type { StreamEntry } from '../../oracle/stream-entry.ts';
import { ApplicationModel } from './application-model.ts';
import { HistoryWriter } from './history-writer.ts';
import { OPERATIONS } from './operations.ts';
import { POISON } from './poison.ts';
import { Random } from './random.ts';
import { generatedApplication } from './schema.ts';
import type { Ordering } from './statements.ts';

export type HistoryOptions = {
  /**
   * `entity`: the outcome is the same in every order that the consumer's ordering `entity` allows. Statements on
   * different rows never compete for a unique value unless one of them is certain to hold it, and no statement fails
   * that would succeed if other statements ran earlier or later.
   * `pool`: no restrictions, because the order alone defines the outcome.
   */
  readonly ordering: Ordering;
  /** The fraction of operations that must fail, from 0 to 1. */
  readonly poisonRate: number;
};

/** The entries that a generated application wrote. A history is loaded like a recording. */
export type History = {
  /** Each seed generates one operation. The same seeds generate the same history. */
  readonly operationSeeds: readonly number[];
  readonly entries: readonly StreamEntry[];
  readonly recording: Recording;
};

/** Generates a history of the given number of operations. Each operation writes one or more entries. */
export function seededHistory(seed: number, operations: number, options: HistoryOptions): History {
  const random = new Random(seed);
  return historyOf(
    Array.from({ length: operations }, () => random.next()),
    options,
  );
}

/** Generates histories for property tests. fast-check shrinks a failing history by removing operations. */
export function historyArbitrary(maxOperations: number, options: HistoryOptions): fc.Arbitrary<History> {
  return fc
    .array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: maxOperations, size: 'max' })
    .map((operationSeeds) => historyOf(operationSeeds, options));
}

/** Each operation has its own random source, so that removing one operation barely changes the others. */
function historyOf(operationSeeds: readonly number[], { ordering, poisonRate }: HistoryOptions): History {
  const model = new ApplicationModel();
  const writer = new HistoryWriter(new Random(0));
  for (const seed of operationSeeds) {
    const random = new Random(seed);
    const isPoison = random.chance(poisonRate);
    const operation = isPoison ? random.pick(Object.values(POISON)) : random.pickWeighted(OPERATIONS);
    operation(writer, { random, model, ordering });
  }
  const { entries } = writer;
  return {
    operationSeeds,
    entries,
    recording: { ...generatedApplication(), entries: entries.map(recorded) },
  };
}

function recorded({ pool, stream, id, fields }: StreamEntry): Recording['entries'][number] {
  const encoded = Object.entries(fields).map(([name, value]) => [name, value.toString('base64')]);
  return { pool, stream, id, fields: Object.fromEntries(encoded) };
}
