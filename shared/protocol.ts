import * as z from 'zod';
import type { BinaryString } from './binary-string.ts';

/**
 * The poller's requests to the SQL executor, and the replies. On Lambda, both sides validate what they receive: they
 * are deployed one after the other, and a request of another version must fail before it reaches a database.
 *
 * Byte strings are BinaryStrings, which JSON preserves.
 */
export const PROTOCOL_VERSION = 1;

/** Requests that the executor must be able to serve besides the batches in flight: opening, voiding and pruning. */
export const SPARE_REQUESTS = 3;

const bytes = z.custom<BinaryString>((value) => typeof value === 'string');
const token = z.string().min(1).max(64);
const number = z.int().nonnegative();

const common = {
  version: z.literal(PROTOCOL_VERSION),
  /** MySQL pool, by its code in the registry. */
  pool: z.string(),
  /** The random name of this consumer in the ledger. */
  consumer: z.string().min(1).max(64),
  /** When the executor must have replied, in milliseconds since 1970. */
  deadline: z.number(),
};

const batchItem = z.object({
  sql: bytes,
  /**
   * False if earlier statements of the pool may still be running. A duplicate key or foreign key error is not final
   * then, and the batch ends before this item.
   */
  final: z.boolean(),
  /** True if the text was parsed to its end, and is one statement that reads no rows. */
  isUnderstood: z.boolean(),
  /** For an insert that can be joined with adjacent ones: length of the text up to and including `VALUES `. */
  groupHead: number.optional(),
  /** For an insert: its number of rows. */
  rows: number.optional(),
  /** For an insert that can be joined with others: its table in lower case. Absent if the name includes a database. */
  table: bytes.optional(),
});
export type BatchItem = z.infer<typeof batchItem>;

const batchRequest = z.object({
  ...common,
  operation: z.literal('batch'),
  token,
  number,
  /** The entries that the items belong to. The executor stores them in the ledger without reading them. */
  entries: bytes,
  /** True if inserts must not be joined across inserts into other tables. */
  exactOrder: z.boolean().optional(),
  /** How long each statement waits for a lock, if other than usual. */
  lockWaitSeconds: z.int().positive().optional(),
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
  /** Reads only rows with a higher `ID`, in digits. */
  after: z.string().regex(/^\d{1,20}$/),
  /** Reads only rows whose `FakeDelete` is 0. */
  withoutFakeDeleted: z.boolean(),
  /** Maximum number of rows in the reply. It has fewer if they are large. */
  limit: z.int().positive(),
});
export type RowsRequest = z.infer<typeof rowsRequest>;

const requestSchema = z.discriminatedUnion('operation', [
  /** Reads the fence's token, which `open` must name. */
  z.object({ ...common, operation: z.literal('peek') }),
  /** Opens an epoch: from now on, every batch under an earlier token is refused. */
  z.object({ ...common, operation: z.literal('open'), seenToken: token.nullable(), token }),
  /** Reads the ledger rows of earlier epochs, a page at a time. */
  z.object({ ...common, operation: z.literal('page'), token, after: batchKey.nullable(), limit: number }),
  batchRequest,
  /** Voids a batch number whose outcome is unknown, unless the batch has committed. */
  z.object({ ...common, operation: z.literal('void'), token, number }),
  /** Marks ledger rows as settled or unsettled, and deletes those to forget. */
  z.object({
    ...common,
    operation: z.literal('prune'),
    token,
    settled: z.array(batchKey),
    unsettled: z.array(batchKey),
    forget: z.array(batchKey),
    /** By stream: the highest entry ID among the rows to forget. */
    prunedIds: z.record(z.string(), z.string()),
  }),
  /** Reads the names and types of a table's columns. */
  z.object({ ...common, operation: z.literal('columns'), table: bytes }),
  /** Reads a page of a table's rows in the order of their `ID`. */
  rowsRequest,
]);
export type ExecutorRequest = z.infer<typeof requestSchema>;

const appliedResult = z.object({
  status: z.literal('applied'),
  /** LAST_INSERT_ID() of an insert, in digits; '0' for every other statement. */
  insertId: z.string(),
});
const failedResult = z.object({
  status: z.literal('failed'),
  /** MySQL's error number, or a code of this project. */
  code: z.string(),
  message: z.string(),
});
const itemResult = z.discriminatedUnion('status', [appliedResult, failedResult]);
export type ItemResult = z.infer<typeof itemResult>;

const batchOutcome = z.object({
  /** `auto_increment_increment` of the session that ran the batch. */
  increment: z.number().int().positive(),
  /**
   * One result per item, from the first item on. Shorter than `items` if the batch ended before a non-final item, or
   * before one that cannot run now.
   */
  results: z.array(itemResult),
});
export type BatchOutcome = z.infer<typeof batchOutcome>;

/** Why a statement cannot run now, although others can. It is never recorded in the ledger. */
const deferral = z.object({
  /** MySQL's error number. */
  code: z.string(),
  message: z.string(),
  /** The lock or limit, to be read after "the statement". Absent if the error is not known to pass. */
  waitsFor: z.string().optional(),
});
export type Deferral = z.infer<typeof deferral>;

const ledgerRow = batchKey.extend({
  state: z.enum(['done', 'void']),
  entries: bytes,
  outcome: batchOutcome,
  /** Seconds since all entries of the row were found settled; null if they have not been. */
  settledSeconds: z.number().nullable(),
});
export type LedgerRow = z.infer<typeof ledgerRow>;

const tableColumn = z.object({
  name: bytes,
  /** MySQL's data type, such as `varchar`, without length and sign. */
  type: z.string(),
});
export type TableColumn = z.infer<typeof tableColumn>;

/** `ID`, then the requested columns: values as MySQL formats them, in the character set of the connection. */
const tableRow = z.array(bytes.nullable());
export type TableRow = z.infer<typeof tableRow>;

const errorReply = z.object({
  status: z.literal('error'),
  /**
   * - `transient`: the same request can be sent again. Nothing was applied, unless a COMMIT failed; then the repeated
   *   request finds its ledger row.
   * - `unknown`: it may have been applied.
   * - `configuration`: nothing was applied, and nothing will be until an operator changes something.
   */
  kind: z.enum(['transient', 'unknown', 'configuration']),
  /** MySQL's error number, or the code of a driver, of AWS or of this project. */
  code: z.string(),
  message: z.string(),
  nextStep: z.string().optional(),
  /** True if the batch's claim was granted: the server can write, so the batch itself may be the cause. */
  isAfterClaim: z.boolean().optional(),
});
export type ErrorReply = z.infer<typeof errorReply>;

const refusedReply = z.object({ status: z.literal('refused') });

const replySchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('peeked'), token: token.nullable() }),
  z.object({
    status: z.literal('opened'),
    maxAllowedPacket: z.number(),
    /** By stream: the highest entry ID among the ledger rows that were deleted. */
    prunedIds: z.record(z.string(), z.string()),
    /** The views of the pool's database, in lower case. Absent in the replies of older executors. */
    views: z.array(bytes).optional(),
  }),
  z.object({ status: z.literal('page'), rows: z.array(ledgerRow), more: z.boolean() }),
  /** `deferred`: why the batch ended before the first item without a result. */
  z.object({ status: z.literal('done'), outcome: batchOutcome, deferred: deferral.optional() }),
  /** The batch cannot run as one transaction; nothing was applied. It must be voided and sent in smaller batches. */
  z.object({ status: z.literal('split'), into: z.enum(['halves', 'singles']) }),
  /** The number is void: nothing of the batch was or will be applied. */
  z.object({ status: z.literal('void') }),
  z.object({ status: z.literal('pruned') }),
  /** Empty if there is no such table. */
  z.object({ status: z.literal('columns'), columns: z.array(tableColumn) }),
  /** `more`: there may be rows after the last one. */
  z.object({ status: z.literal('rows'), rows: z.array(tableRow), more: z.boolean() }),
  /** Another epoch has begun; nothing was applied. */
  refusedReply,
  /** The request is longer than the transport allows; nothing was sent. Only a transport gives this reply. */
  z.object({ status: z.literal('too-large') }),
  errorReply,
]);
export type ExecutorReply = z.infer<typeof replySchema>;

/** @throws z.ZodError if it is not a request of this version */
export function parseRequest(value: unknown): ExecutorRequest {
  return requestSchema.parse(value);
}

/** @throws z.ZodError if it is not a reply of this version */
export function parseReply(value: unknown): ExecutorReply {
  return replySchema.parse(value);
}

/** The SQL executor as the poller uses it, in the same process or through Lambda. Rejects if the outcome is unknown. */
export interface SqlExecutor {
  execute(request: ExecutorRequest): Promise<ExecutorReply>;
}
