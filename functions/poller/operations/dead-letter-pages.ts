import type { DeadLetter, DeadLetterOperations, ListedDeadLetter } from '../../../shared/dead-letter.ts';
import type {
  DeadLetterCursor,
  DeadLetterPage,
  DeadLetterPageOperation,
} from '../../../shared/operations.ts';
import { compareStreamIds, timeOfStreamId } from '../../../shared/stream-id.ts';

const PAGE_LETTERS = 100;
const PAGE_BYTES = 2 * 1024 * 1024;

/** Processes one page of dead letters. `hasTime` returns false once no more of them may be processed. */
export async function deadLetterPage(
  request: DeadLetterPageOperation,
  deadLetters: DeadLetterOperations,
  hasTime: () => boolean,
): Promise<DeadLetterPage> {
  const startedAt = request.after?.startedAt ?? Date.now();
  const found: ListedDeadLetter[] = [];
  let bytes = 0;
  let changed = 0;
  let refused = 0;
  let next: DeadLetterCursor | undefined;
  for await (const letter of lettersAfter(request, deadLetters, startedAt)) {
    const last = found.at(-1);
    if (last !== undefined && (found.length >= PAGE_LETTERS || bytes > PAGE_BYTES || !hasTime())) {
      next = { stream: last.stream, id: last.id, startedAt };
      break;
    }
    const listed = toListed(letter, request.filter.id !== undefined);
    bytes += listed.message.length + sizeOf(listed.original);
    found.push(listed);
    const result = await change(request, letter, deadLetters);
    if (result === 'changed') changed++;
    else if (result === 'refused') refused++;
  }
  const counts = refused === 0 ? { changed } : { changed, refused };
  const result = request.operation === 'dead-letters' ? { deadLetters: found } : counts;
  return next === undefined ? result : { ...result, next };
}

/** Skips entries that failed after the first page was requested. Otherwise a redrive of entries that fail again would never end. */
async function* lettersAfter(
  { filter, after }: DeadLetterPageOperation,
  deadLetters: DeadLetterOperations,
  startedAt: number,
): AsyncIterable<DeadLetter> {
  for await (const letter of deadLetters.list(filter)) {
    const isNew = timeOfStreamId(letter.id) > startedAt;
    if (!isNew && (after === undefined || isLater(letter, after))) yield letter;
  }
}

/** Compares by the order in which dead letters are listed: by stream name, then by ID. */
function isLater(letter: DeadLetter, after: DeadLetterCursor): boolean {
  if (letter.stream === after.stream) return compareStreamIds(letter.id, after.id) > 0;
  return letter.stream > after.stream;
}

async function change(
  { operation }: DeadLetterPageOperation,
  { stream, id }: DeadLetter,
  deadLetters: DeadLetterOperations,
): Promise<'changed' | 'refused' | 'unchanged'> {
  switch (operation) {
    case 'dead-letters':
      return 'unchanged';
    case 'redrive': {
      const { redriven, refused } = await deadLetters.redrive({ stream, id });
      if (refused === 1) return 'refused';
      return redriven === 1 ? 'changed' : 'unchanged';
    }
    case 'discard':
      return (await deadLetters.discard({ stream, id })).discarded === 1 ? 'changed' : 'unchanged';
  }
}

function toListed({ original, ...facts }: DeadLetter, isWhole: boolean): ListedDeadLetter {
  return isWhole ? { ...facts, original } : facts;
}

function sizeOf(original: DeadLetter['original'] = []): number {
  return original.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}
