import * as z from 'zod';
import type { BatchOutcome, ItemResult } from '../../shared/protocol.ts';
import { type SentStatement, splitResult } from './insert-grouping.ts';

/*
 * What a ledger row holds of a batch's results: JSON, short, for a batch has hundreds of items. `[increment, results]`,
 * each of the results one of:
 *
 * - `"17"`: applied, with this id;
 * - `["1062", "Duplicate entry …"]`: failed;
 * - `[500, "17", 1]`: so many applied, their ids from this one on, so far apart.
 */

type StoredRun = readonly [count: number, insertId: string, step: number];
type StoredResult = string | readonly [code: string, message: string] | StoredRun;

export function encodeOutcome({ increment, results }: BatchOutcome): string {
  const stored: StoredResult[] = [];
  for (let place = 0; place < results.length; ) {
    const result = results[place];
    if (result === undefined) break;
    const [count, step] = result.status === 'applied' ? runFrom(results, place) : [1, 0];
    if (result.status === 'failed') stored.push([result.code, result.message]);
    else stored.push(count === 1 ? result.insertId : [count, result.insertId, step]);
    place += count;
  }
  return JSON.stringify([increment, stored]);
}

/** How many applied results from `start` on have ids that are equally far apart, and how far. */
function runFrom(results: readonly ItemResult[], start: number): readonly [count: number, step: number] {
  const first = idOf(results[start]);
  const step = idOf(results[start + 1]) - first;
  const isRun = step === 0 || (step > 0 && first > 0);
  let count = 1;
  while (isRun && idOf(results[start + count]) === first + count * step) count++;
  return [count, step];
}

/** NaN where it has none, or one that numbers can't hold: that is part of no run. */
function idOf(result: ItemResult | undefined): number {
  const id = result?.status === 'applied' ? Number(result.insertId) : Number.NaN;
  return Number.isSafeInteger(id) ? id : Number.NaN;
}

const storedOutcome = z.tuple([
  z.number(),
  z.array(z.union([z.string(), z.tuple([z.string(), z.string()]), z.tuple([z.int(), z.string(), z.int()])])),
]);

export function decodeOutcome(text: string): BatchOutcome {
  const [increment, stored] = storedOutcome.parse(JSON.parse(text));
  return { increment, results: stored.flatMap(toResults) };
}

function toResults(stored: StoredResult): ItemResult[] {
  if (typeof stored === 'string') return [{ status: 'applied', insertId: stored }];
  if (stored.length === 2) return [{ status: 'failed', code: stored[0], message: stored[1] }];
  const [count, insertId, step] = stored;
  return Array.from({ length: count }, (_, place) => {
    return { status: 'applied', insertId: String(Number(insertId) + place * step) };
  });
}

/** An outcome's stored form before it is known: what stands before the id of its only insert, and after it. */
export interface PredictedOutcome {
  readonly before: string;
  /** Absent where it has no insert. */
  readonly after?: string;
}

/** Stands for an id that MySQL has yet to choose. */
const ID_PLACEHOLDER = String(2 ** 52);

/**
 * How the outcome is likely to be stored where nothing fails, so that it can be recorded in the request that executes the
 * statements; undefined where one id is not enough for that. Whether it came so is asked of `matchesPrediction`.
 */
export function predictOutcome(
  sent: readonly SentStatement[],
  increment: number,
): PredictedOutcome | undefined {
  if (sent.filter(isInsert).length > 1) return undefined;
  const results = sent.flatMap((statement) => {
    const insertId = isInsert(statement) ? ID_PLACEHOLDER : '0';
    return splitResult(statement, { affectedRows: 0, insertId, rows: [] }, increment);
  });
  const [before = '', after] = encodeOutcome({ increment, results }).split(ID_PLACEHOLDER);
  return after === undefined ? { before } : { before, after };
}

/** Whether what was recorded, with LAST_INSERT_ID() as the id, says what happened. */
export function matchesPrediction({ before, after }: PredictedOutcome, outcome: BatchOutcome): boolean {
  const text = encodeOutcome(outcome);
  if (after === undefined) return text === before;
  const id = text.slice(before.length, text.length - after.length);
  // A table whose rows get no id leaves LAST_INSERT_ID() as it was.
  return text === `${before}${id}${after}` && /^[1-9]\d*$/.test(id);
}

function isInsert({ items }: SentStatement): boolean {
  return items[0]?.groupHead !== undefined;
}
