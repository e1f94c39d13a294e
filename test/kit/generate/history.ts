import fc from 'fast-check';
import type { Recording } from '../../../infra/local/recording/recording.ts';
import type { StreamEntry } from '../../oracle/stream-entry.ts';
import { World } from './application-model.ts';
import { HistoryWriter } from './history-writer.ts';
import { OPERATIONS } from './operations.ts';
import { POISON } from './poison.ts';
import { Random } from './random.ts';
import { generatedApplication } from './schema.ts';
import type { Ordering } from './statements.ts';

export type HistoryOptions = {
  /**
   * `entity`: the outcome is the same in every order that the consumer's ordering `entity` allows: no two statements
   * on different rows contend for one unique value, but where one of them holds it for certain, and nothing fails that
   * would succeed if other statements came earlier or later.
   * `pool`: anything goes, as the outcome is defined by the order alone.
   */
  readonly ordering: Ordering;
  /** Share of the operations that must fail, 0 to 1. */
  readonly poisonRate: number;
};

/** What a generated application wrote: to be loaded like a recording. */
export type History = {
  /** Each makes one operation. The same numbers make the same history. */
  readonly operationSeeds: readonly number[];
  readonly entries: readonly StreamEntry[];
  readonly recording: Recording;
};

/** The history of a seed, of so many operations; an operation is one entry or a few. */
export function seededHistory(seed: number, operations: number, options: HistoryOptions): History {
  const random = new Random(seed);
  return historyOf(
    Array.from({ length: operations }, () => random.next()),
    options,
  );
}

/** Histories for property tests; one that fails is shrunk by leaving operations out. */
export function historyArbitrary(maxOperations: number, options: HistoryOptions): fc.Arbitrary<History> {
  return fc
    .array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: maxOperations, size: 'max' })
    .map((operationSeeds) => historyOf(operationSeeds, options));
}

/** An operation has a source of choices of its own, so that leaving one out leaves the others much as they were. */
function historyOf(operationSeeds: readonly number[], { ordering, poisonRate }: HistoryOptions): History {
  const world = new World();
  const writer = new HistoryWriter(new Random(0));
  for (const seed of operationSeeds) {
    const random = new Random(seed);
    const isPoison = random.chance(poisonRate);
    const operation = isPoison ? random.pick(Object.values(POISON)) : random.pickWeighted(OPERATIONS);
    operation(writer, { random, world, ordering });
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
