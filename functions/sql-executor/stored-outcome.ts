import * as z from 'zod';
import type { BatchOutcome, ItemResult } from '../../shared/protocol.ts';
import { type SentStatement, splitResult } from './insert-grouping.ts';

/*
 * The column `results` of a ledger row: JSON, kept short because a batch has hundreds of items. It is `[increment,
 * results]`. `increment` is the session's `auto_increment_increment`, and each element of `results` is one of:
 *
 * - `"17"`: one item, applied, with this insert ID ("0" if it has none);
 * - `["1062", "Duplicate entry …"]`: one item, failed, with this code and message;
 * - `[500, "17", 1]`: 500 items, applied, with insert IDs from 17 in steps of 1.
 */

type StoredRun = readonly [count: number, insertId: string, step: number];
type StoredResult = string | readonly [code: string, message: string] | StoredRun;

/** The stored form of an outcome, which {@link decodeOutcome} reads. */
export function encodeOutcome({ increment, results }: BatchOutcome): string {
  const stored: StoredResult[] = [];
  for (let index = 0; index < results.length; ) {
    const result = results[index];
    if (result === undefined) break;
    const [count, step] = result.status === 'applied' ? runFrom(results, index) : [1, 0];
    if (result.status === 'failed') stored.push([result.code, result.message]);
    else stored.push(count === 1 ? result.insertId : [count, result.insertId, step]);
    index += count;
  }
  return JSON.stringify([increment, stored]);
}

/** The number of applied results from `start` on whose IDs are equally far apart, and the distance. */
function runFrom(results: readonly ItemResult[], start: number): readonly [count: number, step: number] {
  const first = idOf(results[start]);
  const step = idOf(results[start + 1]) - first;
  const isRun = step === 0 || (step > 0 && first > 0);
  let count = 1;
  while (isRun && idOf(results[start + count]) === first + count * step) count++;
  return [count, step];
}

/** NaN, which is never part of a run, for a failed item and for an ID beyond 2^53. */
function idOf(result: ItemResult | undefined): number {
  const id = result?.status === 'applied' ? Number(result.insertId) : Number.NaN;
  return Number.isSafeInteger(id) ? id : Number.NaN;
}

const storedOutcomeSchema = z.tuple([
  z.number(),
  z.array(z.union([z.string(), z.tuple([z.string(), z.string()]), z.tuple([z.int(), z.string(), z.int()])])),
]);

/** @throws SyntaxError or z.ZodError if the text is not a stored outcome */
export function decodeOutcome(text: string): BatchOutcome {
  const [increment, stored] = storedOutcomeSchema.parse(JSON.parse(text));
  return { increment, results: stored.flatMap(toResults) };
}

function toResults(stored: StoredResult): ItemResult[] {
  if (typeof stored === 'string') return [{ status: 'applied', insertId: stored }];
  if (stored.length === 2) return [{ status: 'failed', code: stored[0], message: stored[1] }];
  const [count, insertId, step] = stored;
  return Array.from({ length: count }, (_, index) => ({
    status: 'applied',
    insertId: String(Number(insertId) + index * step),
  }));
}

/**
 * The stored form that an outcome will have if every statement succeeds, split at the only ID that is not known yet:
 * the first ID of the batch's only insert.
 */
export interface PredictedOutcome {
  readonly before: string;
  /** Absent if the batch has no insert: `before` is the whole text then. */
  readonly after?: string;
}

/** A placeholder for the ID that MySQL will choose. It is a safe integer, so that runs are encoded as for a real ID. */
const ID_PLACEHOLDER = String(2 ** 52);

/**
 * Predicts the stored form of the outcome, so that it can be recorded in the same request that executes the statements.
 * Once they have run, {@link matchesPrediction} checks it.
 *
 * @returns undefined if the batch has more than one insert: LAST_INSERT_ID() yields only one unknown ID
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

/**
 * True if the text that was recorded is the stored form of what happened.
 *
 * @param storedId LAST_INSERT_ID() as the server stored it. It is the ID of an earlier insert on the connection if MySQL
 *   generated none for this one, such as in a table without AUTO_INCREMENT, or if a trigger assigned it.
 */
export function matchesPrediction(
  { before, after }: PredictedOutcome,
  outcome: BatchOutcome,
  storedId: string,
): boolean {
  const stored = after === undefined ? before : `${before}${storedId}${after}`;
  return encodeOutcome(outcome) === stored;
}

function isInsert({ items }: SentStatement): boolean {
  return items[0]?.groupHead !== undefined;
}
