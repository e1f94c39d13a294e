import { type BinaryString, textToBinary } from '../../../../shared/binary-string.ts';
import type {
  ExecutorReply,
  ExecutorRequest,
  SqlExecutor,
  TableColumn,
  TableRow,
} from '../../../../shared/protocol.ts';
import { PROTOCOL_VERSION } from '../../../../shared/protocol.ts';
import type { SearchIndex } from './search-index.ts';

/** The page size of BeeORM. A page has fewer rows if the rows are large. */
const PAGE_ROWS = 5000;

/** The executor cannot read the table. */
export class TableUnreadableError extends Error {
  override readonly name = 'TableUnreadableError';
  /** The MySQL error number, or an error code of this project. */
  readonly code: string;
  /** False if retrying is pointless until an operator fixes the cause. */
  readonly isTransient: boolean;

  constructor(code: string, isTransient: boolean) {
    super(`the table cannot be read: MySQL returned ${code}`);
    this.code = code;
    this.isTransient = isTransient;
  }
}

export interface TableReaderOptions {
  readonly executor: SqlExecutor;
  readonly consumer: string;
  /** The time by which the executor must answer: milliseconds since 1970. */
  readonly deadline: () => number;
}

/** A page of an index's rows. Each row has the `ID`, then the columns of the index's fields. */
export interface RowPage {
  readonly rows: readonly TableRow[];
  /** True if more rows may follow the last one. */
  readonly more: boolean;
}

/** Reads tables through the executor. Methods reject with a {@link TableUnreadableError} or the error of the executor. */
export class TableReader {
  readonly #options: TableReaderOptions;

  constructor(options: TableReaderOptions) {
    this.#options = options;
  }

  async columns(mysqlPool: string, table: string): Promise<readonly TableColumn[]> {
    const request = { operation: 'columns', table: textToBinary(table) } as const;
    const reply = await this.#execute({ ...this.#common(mysqlPool), ...request });
    return reply.status === 'columns' ? reply.columns : unexpected(reply);
  }

  /** Reads rows with an ID greater than `after`. */
  async page({ mysqlPool, table, fields, withoutFakeDeleted }: SearchIndex, after: string): Promise<RowPage> {
    const columns = fields.map(({ name }): BinaryString => name);
    const request = {
      operation: 'rows',
      table,
      columns,
      after,
      withoutFakeDeleted,
      limit: PAGE_ROWS,
    } as const;
    const reply = await this.#execute({ ...this.#common(mysqlPool), ...request });
    return reply.status === 'rows' ? reply : unexpected(reply);
  }

  async #execute(request: ExecutorRequest): Promise<ExecutorReply> {
    const reply = await this.#options.executor.execute(request);
    if (reply.status !== 'error') return reply;
    throw new TableUnreadableError(reply.code, reply.kind !== 'configuration');
  }

  #common(pool: string) {
    const { consumer, deadline } = this.#options;
    return { version: PROTOCOL_VERSION, pool, consumer, deadline: deadline() } as const;
  }
}

function unexpected(reply: ExecutorReply): never {
  throw new TableUnreadableError(`reply-${reply.status}`, false);
}
