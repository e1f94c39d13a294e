import * as z from 'zod';

const failuresSchema = z.array(z.object({ itemIdentifier: z.string() }));

/** The ids of the failed entries, or why the reply is invalid. An invalid reply means that all entries failed. */
export type ReplyJudgment =
  | { readonly ok: true; readonly failed: ReadonlySet<string> }
  | { readonly ok: false; readonly message: string };

/**
 * Reads `{ batchItemFailures: [{ itemIdentifier }] }` as Lambda's event source mappings do. Without failures, all entries
 * succeeded. An identifier that is not in the batch fails all entries, because it is unknown which entry it refers to.
 */
export function judgeReply(reply: unknown, ids: ReadonlySet<string>): ReplyJudgment {
  const failures = batchItemFailures(reply);
  if (failures === undefined || failures === null) return { ok: true, failed: new Set() };
  const parsed = failuresSchema.safeParse(failures);
  if (!parsed.success) return { ok: false, message: 'batchItemFailures is not a list of { itemIdentifier }' };
  const failed = new Set(parsed.data.map(({ itemIdentifier }) => itemIdentifier));
  if ([...failed].every((id) => ids.has(id))) return { ok: true, failed };
  return { ok: false, message: 'batchItemFailures contains an entry that is not in the batch' };
}

function batchItemFailures(reply: unknown): unknown {
  const isObject = typeof reply === 'object' && reply !== null;
  return isObject && 'batchItemFailures' in reply ? reply.batchItemFailures : undefined;
}
