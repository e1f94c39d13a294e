import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { ManagedServer, type ServerAddress } from './managed-server.ts';
import type { ServerCommand } from './server-command.ts';
import { provideServerProgram, type ServerProgram } from './server-program.ts';

export interface StartRedisOptions {
  /** Another version of Redis. Default: redis-server 7, which is installed if it is missing. */
  readonly program?: ServerProgram;
  /** Additional arguments of redis-server, which override the default ones. Default: none. */
  readonly arguments?: readonly string[];
  /** Default: no password. */
  readonly password?: string;
  /** Number of databases; tests that share a server use some each. Default and minimum: 16. */
  readonly databases?: number;
}

export interface RedisServer extends ManagedServer {
  readonly password: string | undefined;
}

/**
 * Starts a new Redis on a free port of 127.0.0.1, without persistence unless the arguments enable it. Resolves when it
 * replies.
 * @throws ServerError if Redis is not available or does not start
 */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisServer> {
  const program =
    options.program ??
    provideServerProgram({
      program: 'redis-server',
      debianPackage: 'redis-server',
      dockerImage: 'redis:7',
    });
  const { password } = options;
  const server = await ManagedServer.start({
    name: 'Redis',
    startTimeoutMs: 'path' in program ? 30_000 : 180_000,
    command: (address) => redisCommand(program, address, options),
    probe: ({ port, directory }) =>
      probe('path' in program ? { path: socketPath(directory) } : { port }, password),
  });
  return Object.assign(server, { password });
}

function redisCommand(
  program: ServerProgram,
  { directory, port }: ServerAddress,
  { password, databases = 16, arguments: furtherArguments = [] }: StartRedisOptions,
): ServerCommand {
  const common = [
    ...['--save', '', '--appendonly', 'no', '--daemonize', 'no', '--databases', String(databases)],
    ...(password === undefined ? [] : ['--requirepass', password]),
    ...furtherArguments,
  ];
  if ('path' in program) {
    const address = ['--bind', '127.0.0.1', '--port', String(port), '--unixsocket', socketPath(directory)];
    return { file: program.path, arguments: [...address, '--dir', directory, ...common] };
  }
  const container = `background-consumer-${randomUUID()}`;
  const run = ['run', '--rm', '--name', container, '--publish', `127.0.0.1:${port}:6379`];
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const volume = ['--user', user, '--volume', `${directory}:/data`];
  return {
    file: 'docker',
    container,
    arguments: [...run, ...volume, program.image, 'redis-server', ...common],
  };
}

/** The probe connects here, because another server might reply on a port that was already in use. */
function socketPath(directory: string): string {
  return `${directory}/redis.sock`;
}

async function probe(
  address: { path: string } | { port: number },
  password: string | undefined,
): Promise<void> {
  const redis = new Redis({
    ...address,
    ...(password === undefined ? {} : { password }),
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: 1000,
  });
  redis.on('error', () => {}); // Reported by the rejected promise as well.
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}
