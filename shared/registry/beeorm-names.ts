/* The names that BeeORM uses in Redis. They are the same from v1.4 to v2.10. */

export const LAZY_STREAM = 'orm-lazy-channel';
export const LOG_STREAM = 'orm-log-channel';
/** Requests to reindex for Redis search, written by BeeORM up to v1.6.0. */
export const SEARCH_STREAM = 'orm-redis-search-channel';
export const GARBAGE_STREAM = 'orm-stream-garbage-collector';

/** The streams that are in the Redis pool `default` unless the registry assigns them to another pool. */
export const BUILT_IN_STREAMS = [LAZY_STREAM, LOG_STREAM, SEARCH_STREAM, GARBAGE_STREAM] as const;

/** The consumer group of BeeORM's own background consumer, and of this one. Only one of the two may run at a time. */
export const ASYNC_CONSUMER_GROUP = 'orm-async-consumer';
/** The name of the consumer within the group. Unlike the group, it has no namespace. */
export const CONSUMER_NAME = 'consumer-1';

export const DEFAULT_POOL = 'default';

/** Key of the lock that a running consumer of the group holds. */
export function lockKey(group: string): string {
  return `${group}_${CONSUMER_NAME}`;
}

/** Key that keeps the garbage collections of a group 30 seconds apart. */
export function garbageCollectionKey(group: string): string {
  return `${group}_gc`;
}

/** Key of a search index's reindexing progress: the last ID that was indexed. */
export function reindexProgressKey(index: string): string {
  return `_orm_force_index${index}`;
}

/** The full name of a key, stream or group in the pool's Redis. */
export function namespaced(pool: { readonly namespace: string }, name: string): string {
  return pool.namespace === '' ? name : `${pool.namespace}:${name}`;
}
