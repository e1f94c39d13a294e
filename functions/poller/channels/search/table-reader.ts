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

/** As BeeORM reads them; fewer where rows are large. */
const PAGE_ROWS = 5000;

/** The executor can't read the table. */
export class TableUnreadableError extends Error {
  override readonly name = 'TableUnreadableError';
  /** MySQL's number, or a name of ours. */
  readonly code: string;
  /** False: nothing will change until somebody changes something. */
  readonly isTransient: boolean;

  constructor(code: string, isTransient: boolean) {
    super(`MySQL answers ${code}`);
    this.code = code;
    this.isTransient = isTransient;
  }
}

export interface TableReaderOptions {
  readonly executor: SqlExecutor;
  readonly consumer: string;
  /** When the executor must have answered: milliseconds since 1970. */
  readonly deadline: () => number;
}

/** A page of an index's rows: `ID`, then the columns of its fields. */
export interface RowPage {
  readonly rows: readonly TableRow[];
  /** There may be rows after the last of these. */
  readonly more: boolean;
}

/** Reads tables through the executor. All reject with a {@link TableUnreadableError} or as the executor does. */
export class TableReader {
  readonly #options: TableReaderOptions;

  constructor(options: TableReaderOptions) {
    this.#options = options;
  }

  async columns(mysqlPool: string, table: string): Promise<readonly TableColumn[]> {
    const request = { operation: 'columns', table: textToBinary(table) } as const;
    const reply = await this.#ask({ ...this.#common(mysqlPool), ...request });
    return reply.status === 'columns' ? reply.columns : unexpected(reply);
  }

  /** Rows with an ID above `after`. */
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
    const reply = await this.#ask({ ...this.#common(mysqlPool), ...request });
    return reply.status === 'rows' ? reply : unexpected(reply);
  }

  async #ask(request: ExecutorRequest): Promise<ExecutorReply> {
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
