import * as z from 'zod';

const failuresSchema = z.array(z.object({ itemIdentifier: z.string() }));

/** Ids of the entries that failed, or why the reply can't be understood, which means that all of them did. */
export type ReplyJudgement =
  | { readonly ok: true; readonly failed: ReadonlySet<string> }
  | { readonly ok: false; readonly message: string };

/**
 * Reads `{ batchItemFailures: [{ itemIdentifier }] }` as Lambda's event source mappings do: without failures all
 * succeeded; one that names no entry of the batch means that all failed, since nobody can say which were meant.
 */
export function judgeReply(reply: unknown, ids: ReadonlySet<string>): ReplyJudgement {
  const failures = batchItemFailures(reply);
  if (failures === undefined || failures === null) return { ok: true, failed: new Set() };
  const parsed = failuresSchema.safeParse(failures);
  if (!parsed.success) return { ok: false, message: 'batchItemFailures is not a list of { itemIdentifier }' };
  const failed = new Set(parsed.data.map(({ itemIdentifier }) => itemIdentifier));
  if ([...failed].every((id) => ids.has(id))) return { ok: true, failed };
  return { ok: false, message: 'batchItemFailures names an entry that is not in the batch' };
}

function batchItemFailures(reply: unknown): unknown {
  const isObject = typeof reply === 'object' && reply !== null;
  return isObject && 'batchItemFailures' in reply ? reply.batchItemFailures : undefined;
}
