import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { ManagedServer, type ServerAddress } from './managed-server.ts';
import type { ServerCommand } from './server-command.ts';
import { ServerError } from './server-error.ts';
import { provideServerProgram, type ServerProgram } from './server-program.ts';

export interface StartMariaDbOptions {
  /** Additional arguments of mariadbd, which override the default ones. Default: none. */
  readonly arguments?: readonly string[];
  /** 1 syncs each commit to disk, as in production; 2 survives a killed server; 0 does not. Default: 1. */
  readonly flushLogAtCommit?: 0 | 1 | 2;
}

/** Has an account `bee` with password `bee`, all privileges and access from any host, as in the recorded registries. */
export interface MariaDbServer extends ManagedServer {
  readonly user: string;
  readonly password: string;
}

const USER = 'bee';
const PASSWORD = 'bee';
const INIT_SQL = `CREATE USER IF NOT EXISTS '${USER}'@'%' IDENTIFIED BY '${PASSWORD}';
GRANT ALL PRIVILEGES ON *.* TO '${USER}'@'%' WITH GRANT OPTION;
`;

/**
 * Starts a new, empty MariaDB on a free port of 127.0.0.1. Resolves when it replies.
 * @throws ServerError if MariaDB is not available or does not start
 */
export async function startMariaDb(options: StartMariaDbOptions = {}): Promise<MariaDbServer> {
  const program = provideServerProgram({
    program: 'mariadbd',
    debianPackage: 'mariadb-server',
    dockerImage: 'mariadb:10.11',
  });
  const server = await ManagedServer.start({
    name: 'MariaDB',
    startTimeoutMs: 'path' in program ? 60_000 : 300_000,
    prepare: (directory) => prepareDirectory(program, directory),
    command: (address) => mariaDbCommand(program, address, options),
    probe: ({ port, directory }) =>
      probe('path' in program ? { socketPath: socketPath(directory) } : { host: '127.0.0.1', port }),
  });
  return Object.assign(server, { user: USER, password: PASSWORD });
}

/** The Docker image creates the system databases itself if the data directory is empty. */
async function prepareDirectory(program: ServerProgram, directory: string): Promise<void> {
  await writeFile(`${directory}/init.sql`, INIT_SQL);
  if ('path' in program) await createSystemDatabases(directory);
  else await mkdir(`${directory}/data`);
}

async function createSystemDatabases(directory: string): Promise<void> {
  await mkdir(temporaryDirectory(directory));
  const parameters = [
    '--no-defaults',
    `--datadir=${directory}/data`,
    `--tmpdir=${temporaryDirectory(directory)}`,
    '--auth-root-authentication-method=normal',
  ];
  try {
    // The test database comes with an anonymous account, which would take precedence over `bee` on the socket.
    await promisify(execFile)('mariadb-install-db', [...parameters, '--skip-test-db', ...asRoot()]);
  } catch (cause) {
    throw new ServerError('server-install-failed', `mariadb-install-db failed: ${String(cause)}`, { cause });
  }
}

function mariaDbCommand(
  program: ServerProgram,
  { directory, port }: ServerAddress,
  { flushLogAtCommit = 1, arguments: furtherArguments = [] }: StartMariaDbOptions,
): ServerCommand {
  const common = [
    '--skip-name-resolve',
    '--skip-log-bin',
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_general_ci',
    '--max-allowed-packet=16M',
    '--max-connections=500',
    '--innodb-buffer-pool-size=128M',
    `--innodb-flush-log-at-trx-commit=${flushLogAtCommit}`,
    ...furtherArguments,
  ];
  if ('path' in program) {
    const files = [
      `--datadir=${directory}/data`,
      `--tmpdir=${temporaryDirectory(directory)}`,
      `--socket=${socketPath(directory)}`,
      `--pid-file=${directory}/pid`,
    ];
    const network = ['--bind-address=127.0.0.1', `--port=${port}`, `--init-file=${directory}/init.sql`];
    const local = ['--no-defaults', ...asRoot(), ...files, ...network];
    return { file: program.path, arguments: [...local, ...common] };
  }
  const container = `background-consumer-${randomUUID()}`;
  const run = ['run', '--rm', '--name', container, '--publish', `127.0.0.1:${port}:3306`];
  const owner = ['--user', `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`];
  const volumes = [
    '--volume',
    `${directory}/data:/var/lib/mysql`,
    '--volume',
    `${directory}/init.sql:/init.sql:ro`,
  ];
  const image = ['--env', 'MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1', program.image, '--init-file=/init.sql'];
  return { file: 'docker', container, arguments: [...run, ...owner, ...volumes, ...image, ...common] };
}

/** Not shared: a server removes all temporary tables in this directory when it starts, also those of other servers. */
function temporaryDirectory(directory: string): string {
  return `${directory}/tmp`;
}

/** The server refuses to run as root unless this option allows it. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

/** The probe connects here, because another server might reply on a port that was already in use. */
function socketPath(directory: string): string {
  return `${directory}/mariadb.sock`;
}

async function probe(address: { socketPath: string } | { host: string; port: number }): Promise<void> {
  const connection = await createConnection({
    ...address,
    user: USER,
    password: PASSWORD,
    connectTimeout: 1000,
  });
  await connection.end();
}
