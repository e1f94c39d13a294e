import { asBinary, type BinaryString } from '../../../../shared/binary-string.ts';
import type { StatementOutcome } from './effect-owners.ts';

const INSERTED_ROW = /:0$/;
const KNOWN_ROW = /:(\d+)$/;

export interface CacheKeyEffects {
  /** Distinct keys to delete, by Redis pool, without namespace. */
  readonly keys: ReadonlyMap<string, ReadonlySet<BinaryString>>;
  /** Indexes, among the keys of all pools, of those that remain unapplied with a failed statement or an unknown pool. */
  readonly unapplied: readonly number[];
  readonly unknownPools: readonly string[];
}

/**
 * Deleting one key too many is harmless, deleting one too few is not. So the key of an inserted row is deleted for every
 * row that the event inserted, and the key of a known row is held back only if every statement on that row failed.
 */
export function decideCacheKeys(
  outcome: StatementOutcome,
  redisPools: Pick<ReadonlySet<string>, 'has'>,
): CacheKeyEffects {
  const keys = new Map<string, Set<BinaryString>>();
  const unapplied: number[] = [];
  const unknownPools: string[] = [];
  const decide = keyDecider(outcome);
  let index = 0;
  for (const { redisPool, keys: list } of outcome.plan.cacheKeys) {
    if (!redisPools.has(redisPool)) {
      unknownPools.push(redisPool);
      for (const _ of list) unapplied.push(index++);
      continue;
    }
    const deleted = keys.get(redisPool) ?? new Set();
    keys.set(redisPool, deleted);
    // An event of many rows repeats the same keys for each of them.
    const isUnapplied = new Map<BinaryString, boolean>();
    for (const key of list) {
      if (!isUnapplied.has(key)) {
        const decision = decide(key);
        isUnapplied.set(key, decision.isUnapplied);
        for (const name of decision.names) deleted.add(name);
      }
      if (isUnapplied.get(key) === true) unapplied.push(index);
      index++;
    }
  }
  return { keys, unapplied, unknownPools };
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
    const statements = touching.get(BigInt(KNOWN_ROW.exec(key)?.[1] ?? 0)) ?? [];
    return statements.length > 0 && statements.every((index) => results[index]?.kind !== 'applied');
  };
  return (key) => {
    const isInserted = INSERTED_ROW.test(key) && rows.length > 0;
    const names = isInserted ? newIds.map((id) => asBinary(key.slice(0, -1) + id)) : [key];
    const isKept = names.length === 0 || !isAnyApplied || (!isInserted && isOfFailedRow(key));
    return { names: isKept ? [] : names, isUnapplied: isKept || (isInserted && newIds.length < rows.length) };
  };
}
