import { readPoolSecret } from '../../../shared/aws/pool-secret.ts';
import type { SecretReader } from '../../../shared/aws/secret-reader.ts';
import { BackgroundConsumerError, ConfigurationError } from '../../../shared/errors.ts';
import type { ErrorReply, ExecutorReply, ExecutorRequest, SqlExecutor } from '../../../shared/protocol.ts';
import type { MysqlPool } from '../../../shared/registry/types.ts';
import { MysqlExecutor } from '../executor.ts';
import type { DeployedMysqlPool } from './configuration.ts';

/**
 * Lambda freezes the process between invocations, and the server ends idle sessions in the meantime. Connections that
 * were idle for this long are replaced instead of tried: a request on a dead socket would have an unknown outcome.
 */
const STALE_AFTER_MS = 5000;

/** An execution environment runs one request at a time. The second connection is for KILL after a lost connection. */
const CONNECTION_LIMIT = 2;

/** MySQL's numbers for a rejected login. No session was opened, so nothing was applied. */
const REJECTED_LOGINS = new Set(['1045', '1698', '1862', '3118', '4151']);

export interface DeployedExecutorOptions {
  readonly mysqlPools: Readonly<Record<string, DeployedMysqlPool>>;
  readonly ledgerDatabase: string;
  readonly secrets: SecretReader;
}

/** A pool's executor, and the address and login that it connects with. */
interface PoolExecutor {
  readonly login: string;
  readonly executor: MysqlExecutor;
  lastUsedAt: number;
}

/**
 * The executor inside a Lambda function: it handles secrets that rotate, and connections that die while it is frozen.
 */
export class DeployedExecutor implements SqlExecutor {
  readonly #options: DeployedExecutorOptions;
  readonly #executors = new Map<string, PoolExecutor>();

  constructor(options: DeployedExecutorOptions) {
    this.#options = options;
  }

  /** Replies with an error, like {@link MysqlExecutor}, also if a secret cannot be read. */
  async execute(request: ExecutorRequest): Promise<ExecutorReply> {
    try {
      const reply = await this.#try(request, { isFresh: false });
      return isRejectedLogin(reply) ? await this.#tryWithNewSecret(request, reply) : reply;
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

  /** The password may have been rotated since the secret was read: tries again if the secret has changed. */
  async #tryWithNewSecret(request: ExecutorRequest, rejection: ExecutorReply): Promise<ExecutorReply> {
    const rejected = this.#executors.get(request.pool)?.executor;
    const pool = await this.#resolve(request.pool, { isFresh: true });
    return this.#executorOf(pool).executor === rejected ? rejection : this.#try(request, { isFresh: false });
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
        nextStep: 'Deploy the stack with a registry that contains it.',
      });
    }
    return resolveMysqlPool(code, pool, this.#options.secrets, options);
  }

  #executorOf(pool: MysqlPool): PoolExecutor {
    const login = [pool.host, pool.port, pool.user, pool.password].join('\n');
    const known = this.#executors.get(pool.code);
    if (known?.login === login && Date.now() - known.lastUsedAt < STALE_AFTER_MS) return known;
    known?.executor.close().catch(() => undefined);
    const executor = new MysqlExecutor({
      mysqlPools: new Map([[pool.code, pool]]),
      ledgerDatabase: this.#options.ledgerDatabase,
      connectionLimit: CONNECTION_LIMIT,
    });
    const created = { login, executor, lastUsedAt: Date.now() };
    this.#executors.set(pool.code, created);
    return created;
  }
}

/** A deployed pool's address, completed by its secret. */
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

function isRejectedLogin(reply: ExecutorReply): boolean {
  return reply.status === 'error' && reply.kind === 'configuration' && REJECTED_LOGINS.has(reply.code);
}

/** Nothing was applied: these errors occur before there is a connection. */
function toErrorReply(error: BackgroundConsumerError): ErrorReply {
  const { code, message, nextStep } = error;
  const kind = error instanceof ConfigurationError ? 'configuration' : 'transient';
  return { status: 'error', kind, code, message, ...(nextStep === undefined ? {} : { nextStep }) };
}
