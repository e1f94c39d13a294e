import type { TestRegistry } from '../kit/test-registry.ts';
import type { FailureClass } from './outcome.ts';
import { isAllowedStatement } from './statement.ts';
import type { StreamEntry } from './stream-entry.ts';
import { decodeLazyEvent, decodeLogValue, type LazyEvent, type LogValue } from './wire.ts';

/** The result of the checks that need no MySQL. An entry that fails one of them has no effect at all. */
export type Validated<T> =
  | { readonly value: T }
  | { readonly refused: FailureClass; readonly withoutEffect: T | undefined };

export function validateLazyEntry(entry: StreamEntry, registry: TestRegistry): Validated<LazyEvent> {
  return decodeAndCheck(entry, decodeLazyEvent, (event) => {
    const mysqlPools = [...event.statements, ...event.logValues].map(({ pool }) => pool);
    if (!mysqlPools.every((pool) => registry.mysql.has(pool))) return 'pool';
    if (!event.cacheKeys.every(({ pool }) => registry.redis.has(pool))) return 'pool';
    const streams = event.dirtyEvents.flatMap((dirty) => dirty.streams);
    if (!streams.every((stream) => registry.streamPools.has(stream))) return 'pool';
    return event.statements.every(({ sql }) => isAllowedStatement(sql)) ? undefined : 'policy';
  });
}

export function validateLogEntry(entry: StreamEntry, registry: TestRegistry): Validated<LogValue> {
  return decodeAndCheck(entry, decodeLogValue, ({ pool }) => (registry.mysql.has(pool) ? undefined : 'pool'));
}

function decodeAndCheck<T>(
  { fields }: StreamEntry,
  decode: (body: Buffer) => T,
  refusal: (value: T) => FailureClass | undefined,
): Validated<T> {
  const body = fields['s'];
  if (body === undefined) return { refused: 'wire', withoutEffect: undefined };
  let value: T;
  try {
    value = decode(body);
  } catch {
    return { refused: 'wire', withoutEffect: undefined };
  }
  const refused = refusal(value);
  return refused === undefined ? { value } : { refused, withoutEffect: value };
}
