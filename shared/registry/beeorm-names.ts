/** The names that BeeORM gives to what it keeps in Redis. They are the same from v1.4 to v2.10. */

export const LAZY_STREAM = 'orm-lazy-channel';
export const LOG_STREAM = 'orm-log-channel';
/** Reindexing for Redis search: written by BeeORM up to v1.6.0. */
export const SEARCH_STREAM = 'orm-redis-search-channel';
export const GARBAGE_STREAM = 'orm-stream-garbage-collector';

/** The streams that exist in the Redis pool `default` unless the registry names them elsewhere. */
export const BUILT_IN_STREAMS = [LAZY_STREAM, LOG_STREAM, SEARCH_STREAM, GARBAGE_STREAM] as const;

/** The group of BeeORM's own background consumer, and of ours: either may run, never both. */
export const ASYNC_CONSUMER_GROUP = 'orm-async-consumer';
/** The name within the group. Unlike groups it takes no namespace. */
export const CONSUMER_NAME = 'consumer-1';

export const DEFAULT_POOL = 'default';

/** Key of the lock that a running consumer of the group holds. */
export function lockKey(group: string): string {
  return `${group}_${CONSUMER_NAME}`;
}

/** Key that keeps a group's garbage collections 30 seconds apart. */
export function garbageCollectionKey(group: string): string {
  return `${group}_gc`;
}

/** Key of the progress of a search index's reindexing: the last id that was indexed. */
export function reindexProgressKey(index: string): string {
  return `_orm_force_index${index}`;
}

/** A key, a stream or a group as it stands in the pool's Redis. */
export function namespaced(pool: { readonly namespace: string }, name: string): string {
  return pool.namespace === '' ? name : `${pool.namespace}:${name}`;
}
