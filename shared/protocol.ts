import * as z from 'zod';
import type { BinaryString } from './binary-string.ts';

/**
 * What the poller asks of the SQL executor, and what it gets back. Where it travels through Lambda both sides check what
 * arrives: they are deployed one after the other, and a request of another version must fail before it touches a database.
 *
 * Every string of bytes is a BinaryString, so that a request survives JSON.
 */
export const PROTOCOL_VERSION = 1;

const bytes = z.custom<BinaryString>((value) => typeof value === 'string');
const token = z.string().min(1).max(64);
const number = z.int().nonnegative();

const common = {
  version: z.literal(PROTOCOL_VERSION),
  /** MySQL pool, by its code in the registry. */
  pool: z.string(),
  /** The random name under which this consumer's ledger rows stand. */
  consumer: z.string().min(1).max(64),
  /** When the executor must have answered: milliseconds since 1970. */
  deadline: z.number(),
};

const batchItem = z.object({
  sql: bytes,
  /**
   * False: other statements of the pool that come earlier may still be running, so a duplicate key or a foreign key
   * error says nothing yet. The batch then ends before this item.
   */
  final: z.boolean(),
  /** Its text was read to the end and holds this one statement, which reads no rows. */
  isUnderstood: z.boolean(),
  /** Of an insert whose rows may travel with its neighbours': length of the text up to and including `VALUES `. */
  groupHead: number.optional(),
  /** Of an insert: how many rows it has. */
  rows: number.optional(),
  /** Of an insert whose rows may travel with others': its table in lower case; absent where the name isn't a plain one. */
  table: bytes.optional(),
});
export type BatchItem = z.infer<typeof batchItem>;

const batchRequest = z.object({
  ...common,
  operation: z.literal('batch'),
  token,
  number,
  /** Which entries the items belong to: written into the ledger as it is, read only by the poller. */
  entries: bytes,
  /** Inserts into several tables must not be gathered by table. */
  exactOrder: z.boolean().optional(),
  items: z.array(batchItem).min(1),
});
export type BatchRequest = z.infer<typeof batchRequest>;

const batchKey = z.object({ token, number });
export type BatchKey = z.infer<typeof batchKey>;

const rowsRequest = z.object({
  ...common,
  operation: z.literal('rows'),
  table: bytes,
  columns: z.array(bytes).min(1),
  /** Only rows with a larger `ID`; digits. */
  after: z.string().regex(/^\d{1,20}$/),
  /** Only rows whose `FakeDelete` is 0. */
  withoutFakeDeleted: z.boolean(),
  /** Rows in the reply, at most; fewer where they are large. */
  limit: z.int().positive(),
});
export type RowsRequest = z.infer<typeof rowsRequest>;

const requestSchema = z.discriminatedUnion('operation', [
  /** Reads the fence, so that `open` can say which token it saw. */
  z.object({ ...common, operation: z.literal('peek') }),
  /** Begins an epoch: every batch under an earlier token is refused from here on. */
  z.object({ ...common, operation: z.literal('open'), seenToken: token.nullable(), token }),
  /** Reads the ledger rows of earlier epochs, a page at a time. */
  z.object({ ...common, operation: z.literal('page'), token, after: batchKey.nullable(), limit: number }),
  batchRequest,
  /** Bars a number whose outcome is unknown, or returns what it did. */
  z.object({ ...common, operation: z.literal('void'), token, number }),
  /** Notes which rows' entries are all settled, deletes those that were settled long ago. */
  z.object({
    ...common,
    operation: z.literal('prune'),
    token,
    settled: z.array(batchKey),
    unsettled: z.array(batchKey),
    forget: z.array(batchKey),
    /** Per stream, the highest id among the rows to forget. */
    prunedIds: z.record(z.string(), z.string()),
  }),
  /** Reads the names and types of a table's columns. */
  z.object({ ...common, operation: z.literal('columns'), table: bytes }),
  /** Reads a page of rows in the order of their `ID`. */
  rowsRequest,
]);
export type ExecutorRequest = z.infer<typeof requestSchema>;

const appliedResult = z.object({
  status: z.literal('applied'),
  /** LAST_INSERT_ID() of an insert, as digits; '0' for all else. */
  insertId: z.string(),
});
const failedResult = z.object({
  status: z.literal('failed'),
  /** MySQL's error number, or a name of ours. */
  code: z.string(),
  message: z.string(),
});
const itemResult = z.discriminatedUnion('status', [appliedResult, failedResult]);
export type ItemResult = z.infer<typeof itemResult>;

const batchOutcome = z.object({
  /** `auto_increment_increment` of the session that ran it. */
  increment: z.number().int().positive(),
  /** One for each item from the first on; shorter than the items where the batch ended before a non-final one. */
  results: z.array(itemResult),
});
export type BatchOutcome = z.infer<typeof batchOutcome>;

const ledgerRow = batchKey.extend({
  state: z.enum(['done', 'void']),
  entries: bytes,
  outcome: batchOutcome,
  /** How long ago all its entries were found settled, in seconds; null: not yet. */
  settledSeconds: z.number().nullable(),
});
export type LedgerRow = z.infer<typeof ledgerRow>;

const tableColumn = z.object({
  name: bytes,
  /** MySQL's name of the type, such as `varchar`, without length and sign. */
  type: z.string(),
});
export type TableColumn = z.infer<typeof tableColumn>;

/** `ID`, then the columns that were asked for: as MySQL writes values, in the character set of the connection. */
const tableRow = z.array(bytes.nullable());
export type TableRow = z.infer<typeof tableRow>;

const errorReply = z.object({
  status: z.literal('error'),
  /**
   * `transient`: nothing was applied, the same request may be sent again. `unknown`: it may have been applied.
   * `configuration`: nothing was applied, and nothing will be until somebody changes something.
   */
  kind: z.enum(['transient', 'unknown', 'configuration']),
  /** The error's number or code. */
  code: z.string(),
  message: z.string(),
  nextStep: z.string().optional(),
});
export type ErrorReply = z.infer<typeof errorReply>;

const refusedReply = z.object({ status: z.literal('refused') });

const replySchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('peeked'), token: token.nullable() }),
  z.object({
    status: z.literal('opened'),
    maxAllowedPacket: z.number(),
    /** Per stream, the highest entry id that the ledger has forgotten. */
    prunedIds: z.record(z.string(), z.string()),
  }),
  z.object({ status: z.literal('page'), rows: z.array(ledgerRow), more: z.boolean() }),
  z.object({ status: z.literal('done'), outcome: batchOutcome }),
  /** The number is barred: nothing of it was or will be applied. */
  z.object({ status: z.literal('void') }),
  z.object({ status: z.literal('pruned') }),
  /** None where there is no such table. */
  z.object({ status: z.literal('columns'), columns: z.array(tableColumn) }),
  /** `more`: there may be rows after the last of these. */
  z.object({ status: z.literal('rows'), rows: z.array(tableRow), more: z.boolean() }),
  /** Another epoch has begun; nothing was applied. */
  refusedReply,
  /** The request is longer than the transport allows; nothing was sent. Only a transport gives this reply. */
  z.object({ status: z.literal('too-large') }),
  errorReply,
]);
export type ExecutorReply = z.infer<typeof replySchema>;

/** Throws z.ZodError where the request is not one of this version. */
export function parseRequest(value: unknown): ExecutorRequest {
  return requestSchema.parse(value);
}

/** Throws z.ZodError where the reply is not one of this version. */
export function parseReply(value: unknown): ExecutorReply {
  return replySchema.parse(value);
}

/** The SQL executor as the poller sees it, in this process or behind Lambda. Rejects where the outcome is unknown. */
export interface SqlExecutor {
  execute(request: ExecutorRequest): Promise<ExecutorReply>;
}
