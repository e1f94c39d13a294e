import { readPoolSecret } from '../../../shared/aws/pool-secret.ts';
import type { SecretReader } from '../../../shared/aws/secret-reader.ts';
import { BackgroundConsumerError, ConfigurationError } from '../../../shared/errors.ts';
import type { ErrorReply, ExecutorReply, ExecutorRequest, SqlExecutor } from '../../../shared/protocol.ts';
import type { MysqlPool } from '../../../shared/registry/types.ts';
import { MysqlExecutor } from '../executor.ts';
import type { DeployedMysqlPool } from './configuration.ts';

/**
 * Between invocations Lambda freezes the process, and the server ends silent sessions meanwhile. Connections that lay
 * still for this long are given up rather than tried: a request on a dead socket would end as "lost".
 */
const STALE_AFTER_MS = 5000;

/** One environment of a function runs one request at a time; a second connection is for the KILL after a lost one. */
const CONNECTION_LIMIT = 2;

/** MySQL's numbers for a wrong user or password: such a session was never there, so nothing was applied. */
const REFUSED_LOGINS = new Set(['1045', '1698', '1862', '3118', '4151']);

export interface DeployedExecutorOptions {
  readonly mysqlPools: Readonly<Record<string, DeployedMysqlPool>>;
  readonly ledgerDatabase: string;
  readonly secrets: SecretReader;
}

/** A pool's connections, and the secret that they were made with. */
interface PoolExecutor {
  readonly secret: string;
  readonly executor: MysqlExecutor;
  lastUsedAt: number;
}

/** The executor as a function runs it: secrets that rotate, connections that die while it is frozen. */
export class DeployedExecutor implements SqlExecutor {
  readonly #options: DeployedExecutorOptions;
  readonly #executors = new Map<string, PoolExecutor>();

  constructor(options: DeployedExecutorOptions) {
    this.#options = options;
  }

  /** Rejects with z.ZodError where the request is none of this version's; nothing was applied then. */
  async execute(request: ExecutorRequest): Promise<ExecutorReply> {
    try {
      const reply = await this.#try(request, { isFresh: false });
      return isRefusedLogin(reply) ? await this.#tryWithNewSecret(request, reply) : reply;
    } catch (error) {
      if (error instanceof BackgroundConsumerError) return toErrorReply(error);
      throw error;
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const executors = [...this.#executors.values()];
    this.#executors.clear();
    await Promise.all(executors.map(({ executor }) => executor.close()));
  }

  /** The password may have been rotated since the secret was read: once more, where it says something else now. */
  async #tryWithNewSecret(request: ExecutorRequest, refusal: ExecutorReply): Promise<ExecutorReply> {
    const refused = this.#executors.get(request.pool)?.executor;
    const pool = await this.#resolve(request.pool, { isFresh: true });
    return this.#executorOf(pool).executor === refused ? refusal : this.#try(request, { isFresh: false });
  }

  async #try(request: ExecutorRequest, options: { readonly isFresh: boolean }): Promise<ExecutorReply> {
    const known = this.#executorOf(await this.#resolve(request.pool, options));
    try {
      return await known.executor.execute(request);
    } finally {
      known.lastUsedAt = Date.now();
    }
  }

  #resolve(code: string, options: { readonly isFresh: boolean }): Promise<MysqlPool> {
    const pool = this.#options.mysqlPools[code];
    if (pool === undefined) {
      throw new ConfigurationError('unknown-pool', `no MySQL pool '${code}' is deployed`, {
        nextStep: 'Deploy the stack with the registry that names it.',
      });
    }
    return resolveMysqlPool(code, pool, this.#options.secrets, options);
  }

  #executorOf(pool: MysqlPool): PoolExecutor {
    const secret = [pool.host, pool.port, pool.user, pool.password].join('\n');
    const known = this.#executors.get(pool.code);
    if (known?.secret === secret && Date.now() - known.lastUsedAt < STALE_AFTER_MS) return known;
    known?.executor.close().catch(() => undefined);
    const executor = new MysqlExecutor({
      mysqlPools: new Map([[pool.code, pool]]),
      ledgerDatabase: this.#options.ledgerDatabase,
      connectionLimit: CONNECTION_LIMIT,
    });
    const made = { secret, executor, lastUsedAt: Date.now() };
    this.#executors.set(pool.code, made);
    return made;
  }
}

/** A deployed pool's address with what its secret says. */
export async function resolveMysqlPool(
  code: string,
  { secret, isAddressGiven, parameters, ...address }: DeployedMysqlPool,
  secrets: SecretReader,
  options: { readonly isFresh: boolean },
): Promise<MysqlPool> {
  const settings = { ...(secret === undefined ? {} : { secret }), isAddressGiven };
  const known = await readPoolSecret(secrets, settings, options);
  return { code, password: '', ...address, ...known, parameters: new Map(Object.entries(parameters)) };
}

function isRefusedLogin(reply: ExecutorReply): boolean {
  return reply.status === 'error' && reply.kind === 'configuration' && REFUSED_LOGINS.has(reply.code);
}

/** Nothing was applied: what fails here fails before there is a connection. */
function toErrorReply(error: BackgroundConsumerError): ErrorReply {
  const { code, message, nextStep } = error;
  const kind = error instanceof ConfigurationError ? 'configuration' : 'transient';
  return { status: 'error', kind, code, message, ...(nextStep === undefined ? {} : { nextStep }) };
}
