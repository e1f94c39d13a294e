import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { ManagedServer, type ServerAddress } from './managed-server.ts';
import type { ServerCommand } from './server-command.ts';
import { provideServerProgram, type ServerProgram } from './server-program.ts';

export interface StartRedisOptions {
  /** Of another version than the machine's own. Default: redis-server 7, installed where it is missing. */
  readonly program?: ServerProgram;
  /** Further arguments of redis-server; they win over ours. Default: none. */
  readonly arguments?: readonly string[];
  /** Default: no password. */
  readonly password?: string;
  /** How many numbered databases; tests that share a server take some each. Default and minimum: 16. */
  readonly databases?: number;
}

export interface RedisServer extends ManagedServer {
  readonly password: string | undefined;
}

/**
 * Starts a Redis of our own on a free port of 127.0.0.1, which keeps nothing on disk unless its arguments say so.
 * Resolves when it answers.
 * @throws ServerError when there is none to start, or when it doesn't come up
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
    command: (place) => redisCommand(program, place, options),
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
    const place = ['--bind', '127.0.0.1', '--port', String(port), '--unixsocket', socketPath(directory)];
    return { file: program.path, arguments: [...place, '--dir', directory, ...common] };
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

/** The probe asks here: on a port that was taken, another server might answer in place of ours. */
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
