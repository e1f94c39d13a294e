/**
 * Which statements of a MySQL pool keep the order of their stream:
 *
 * - `entity`: statements that depend on each other, as far as rows, ids and tables show; updates of different rows run
 *   concurrently.
 * - `pool`: all statements.
 */
export const ORDERING_RULES = ['entity', 'pool'] as const;
export type OrderingRule = (typeof ORDERING_RULES)[number];

/**
 * How garbage collection treats a group that the registry names but that does not exist on the stream (yet):
 *
 * - `hold`: keep the entries, because BeeORM creates a missing group at the beginning of the stream and the group then
 *   has to process them.
 * - `ignore`: trim the entries that all existing groups have processed; a group that is created later never sees them.
 */
export const ABSENT_GROUPS_RULES = ['hold', 'ignore'] as const;
export type AbsentGroups = (typeof ABSENT_GROUPS_RULES)[number];
