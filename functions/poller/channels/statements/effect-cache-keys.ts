import { asBinary, type BinaryString } from '../../../../shared/binary-string.ts';
import type { StatementOutcome } from './effect-owners.ts';

const ROW_TO_COME = /:0$/;
const ROW = /:(\d+)$/;

export interface CacheKeyEffects {
  /** To delete, by Redis pool, without namespace, each once. */
  readonly keys: ReadonlyMap<string, ReadonlySet<BinaryString>>;
  /** Places, among the keys of all pools, of those that wait with a failed statement. */
  readonly unapplied: readonly number[];
}

/**
 * Deleting one key too many does no harm, one too few does. So a key of a row to come is deleted for every row that the
 * event made, and of what failed only the keys that name its rows alone are kept.
 */
export function decideCacheKeys(outcome: StatementOutcome): CacheKeyEffects {
  const keys = new Map<string, Set<BinaryString>>();
  const unapplied: number[] = [];
  const decide = keyDecider(outcome);
  let place = 0;
  for (const { redisPool, keys: list } of outcome.plan.cacheKeys) {
    const deleted = keys.get(redisPool) ?? new Set();
    keys.set(redisPool, deleted);
    // An event of many rows names the same keys again for each of them.
    const isUnapplied = new Map<BinaryString, boolean>();
    for (const key of list) {
      if (!isUnapplied.has(key)) {
        const decision = decide(key);
        isUnapplied.set(key, decision.isUnapplied);
        for (const name of decision.names) deleted.add(name);
      }
      if (isUnapplied.get(key) === true) unapplied.push(place);
      place++;
    }
  }
  return { keys, unapplied };
}

interface KeyDecision {
  readonly names: readonly BinaryString[];
  readonly isUnapplied: boolean;
}

function keyDecider({ results, rows, touching }: StatementOutcome): (key: BinaryString) => KeyDecision {
  const newIds = rows.flatMap(({ id, statement }) =>
    id !== undefined && results[statement]?.kind === 'applied' ? [id] : [],
  );
  const isAnyApplied = results.length === 0 || results.some(({ kind }) => kind === 'applied');
  const isOfFailedRow = (key: BinaryString) => {
    const statements = touching.get(BigInt(ROW.exec(key)?.[1] ?? 0)) ?? [];
    return statements.length > 0 && statements.every((index) => results[index]?.kind !== 'applied');
  };
  return (key) => {
    const isToCome = ROW_TO_COME.test(key) && rows.length > 0;
    const names = isToCome ? newIds.map((id) => asBinary(key.slice(0, -1) + id)) : [key];
    const isKept = names.length === 0 || !isAnyApplied || (!isToCome && isOfFailedRow(key));
    return { names: isKept ? [] : names, isUnapplied: isKept || (isToCome && newIds.length < rows.length) };
  };
}
