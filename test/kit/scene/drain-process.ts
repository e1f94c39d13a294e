import { readFileSync } from 'node:fs';
import { openLocalConsumer } from '../../../cli/consumer/local-consumer.ts';
import { MysqlExecutor } from '../../../functions/sql-executor/executor.ts';
import { binaryToBytes } from '../../../shared/binary-string.ts';
import { createLogger } from '../../../shared/logging.ts';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import { parseRegistry } from '../../../shared/registry/registry.ts';
import type { DrainProcessOptions } from './drain-in-process.ts';

/** A drain in a separate process, which tests can kill, or which kills or pauses itself at a failpoint. */
const options: DrainProcessOptions = JSON.parse(readFileSync(0, 'utf8'));
const registry = parseRegistry(options.registryYaml, 'registry.yaml');
const { ledgerDatabase } = options;

const executor = new MysqlExecutor({
  mysqlPools: registry.mysqlPools,
  ledgerDatabase,
  connectionLimit: 8,
  failpoint: (point) => reach(`executor ${point}`),
});
const consumer = await openLocalConsumer(
  {
    registry,
    logger: createLogger({ level: 'error', destination: process.stderr }),
    ordering: 'entity',
    lazyConcurrency: 4,
    allowedStatements: [],
    ledgerDatabase,
  },
  { executor: killedBy(options.poisonWord), failpoint: (point) => reach(`poller ${point}`) },
);
const summary = await consumer.drain({ budgetMs: options.budgetMs ?? 20_000 });
process.stdout.write(JSON.stringify({ summary, maxMemoryBytes: process.resourceUsage().maxRSS * 1024 }));
process.exit(0);

function reach(point: string): void | Promise<void> {
  if (options.killAt === point) process.kill(process.pid, 'SIGKILL');
  if (options.pauseAt === point) {
    process.stdout.write('paused\n');
    return new Promise(() => {});
  }
}

/** Kills the process when a batch contains a statement with the word. */
function killedBy(word: string | undefined): SqlExecutor {
  return {
    execute: (request) => {
      const { operation } = request;
      const isPoison =
        word !== undefined &&
        operation === 'batch' &&
        request.items.some(({ sql }) => binaryToBytes(sql).includes(word));
      if (isPoison) process.kill(process.pid, 'SIGKILL');
      return executor.execute(request);
    },
  };
}
