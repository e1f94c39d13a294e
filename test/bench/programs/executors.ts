import { Connections } from '../../../functions/sql-executor/connections.ts';
import { MysqlExecutor } from '../../../functions/sql-executor/executor.ts';
import { groupInserts, splitResult } from '../../../functions/sql-executor/insert-grouping.ts';
import type { TableLinks } from '../../../functions/sql-executor/table-links.ts';
import type {
  BatchItem,
  BatchOutcome,
  ExecutorReply,
  ExecutorRequest,
  SqlExecutor,
} from '../../../shared/protocol.ts';
import type { MysqlPool, Registry } from '../../../shared/registry/types.ts';
import { LEDGER_DATABASE } from '../loads/schema.ts';
import type { ExecutorName } from './consumer-parameters.ts';

type RunBatch = (pool: string, items: readonly BatchItem[], deadline: number) => Promise<BatchOutcome>;

export function createExecutor(name: ExecutorName, registry: Registry, connectionLimit: number): SqlExecutor {
  const { mysqlPools } = registry;
  switch (name) {
    case 'mysql':
      return new MysqlExecutor({ mysqlPools, ledgerDatabase: LEDGER_DATABASE, connectionLimit });
    case 'without-ledger':
      return new LedgerlessExecutor(batchesWithoutLedger(mysqlPools, connectionLimit));
    case 'instant':
      return new LedgerlessExecutor(reportApplied);
  }
}

const EMPTY_LEDGER: Readonly<Partial<Record<ExecutorRequest['operation'], ExecutorReply>>> = {
  peek: { status: 'peeked', token: null },
  open: { status: 'opened', maxAllowedPacket: 16 << 20, prunedIds: {} },
  page: { status: 'page', rows: [], more: false },
  prune: { status: 'pruned' },
  void: { status: 'void' },
};

/** Executes batches without a ledger, to measure what the ledger costs. */
class LedgerlessExecutor implements SqlExecutor {
  readonly #runBatch: RunBatch;

  constructor(runBatch: RunBatch) {
    this.#runBatch = runBatch;
  }

  async execute(request: ExecutorRequest): Promise<ExecutorReply> {
    if (request.operation === 'batch') {
      const { pool, items, deadline } = request;
      return { status: 'done', outcome: await this.#runBatch(pool, items, deadline) };
    }
    const reply = EMPTY_LEDGER[request.operation];
    if (reply === undefined)
      throw new Error(`the benchmark's executor does not support the operation '${request.operation}'`);
    return reply;
  }
}

/** The benchmark's tables have no triggers and no views. */
const NO_LINKS: TableLinks = { dependents: new Set(), farReaching: new Set(), withAssignedIds: new Set() };

/** Groups and sends statements like the real executor, between START TRANSACTION and COMMIT. */
function batchesWithoutLedger(mysqlPools: ReadonlyMap<string, MysqlPool>, connectionLimit: number): RunBatch {
  const pools = new Map(
    [...mysqlPools.values()].map((pool) => [pool.code, new Connections(pool, connectionLimit)]),
  );
  return async (pool, items, deadline) => {
    const connections = pools.get(pool);
    if (connections === undefined) throw new Error(`the registry has no MySQL pool '${pool}'`);
    return connections.use(deadline, async (session, { increment, isStrict }) => {
      const sent = groupInserts(items, isStrict ? NO_LINKS : undefined);
      const sentResults = await session.begin(sent.map(({ sql }) => sql));
      await session.commit();
      const results = sent.flatMap((statement, index) => {
        const result = sentResults[index];
        return result === undefined ? [] : splitResult(statement, result, increment);
      });
      return { increment, results };
    });
  };
}

/** Reports every statement as applied, without any database. */
function reportApplied(_pool: string, items: readonly BatchItem[]): Promise<BatchOutcome> {
  const results = items.map(() => ({ status: 'applied' as const, insertId: '1' }));
  return Promise.resolve({ increment: 1, results });
}

/** Counts batches and items, and adds up how long the batches take. */
export class TimedExecutor implements SqlExecutor {
  readonly #executor: SqlExecutor;
  batches = 0;
  items = 0;
  seconds = 0;

  constructor(executor: SqlExecutor) {
    this.#executor = executor;
  }

  async execute(request: ExecutorRequest): Promise<ExecutorReply> {
    const startedAt = performance.now();
    const reply = await this.#executor.execute(request);
    if (request.operation === 'batch') {
      this.batches++;
      this.items += request.items.length;
      this.seconds += (performance.now() - startedAt) / 1000;
    }
    return reply;
  }
}
