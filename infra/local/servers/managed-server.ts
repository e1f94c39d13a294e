import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { endCommand, type ServerCommand, sendSignal } from './server-command.ts';
import { PortTakenError, ServerError } from './server-error.ts';
import { Watchdog } from './watchdog.ts';

/** Describes one kind of server to {@link ManagedServer}. */
export interface ServerDefinition {
  /** Shown in messages, such as `Redis`. */
  readonly name: string;
  readonly startTimeoutMs: number;
  /** Fills the directory before the first start. */
  prepare?(directory: string): Promise<void>;
  command(address: ServerAddress): ServerCommand;
  /** Resolves if the server replies, and rejects if it does not (yet). */
  probe(address: ServerAddress): Promise<void>;
}

export interface ServerAddress {
  readonly port: number;
  /** Contains all files of the server; removed when the server is stopped. */
  readonly directory: string;
}

const MAX_PORT_ATTEMPTS = 10;
const PROBE_INTERVAL_MS = 20;

/**
 * A server process that this program starts on a port of 127.0.0.1, with all its files in one directory. It runs in its
 * own session, so that Ctrl-C does not end it before this program has finished with it. A watchdog ends it together with
 * this process. After {@link kill} the server can be restarted; {@link stop} also removes its files.
 */
export class ManagedServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly directory: string;
  readonly #definition: ServerDefinition;
  readonly #watchdog: Watchdog;
  #process: { readonly child: ChildProcess; readonly command: ServerCommand } | undefined;

  private constructor(definition: ServerDefinition, address: ServerAddress, watchdog: Watchdog) {
    this.port = address.port;
    this.directory = address.directory;
    this.#definition = definition;
    this.#watchdog = watchdog;
  }

  /** @throws ServerError if the server does not start; its directory is then removed */
  static async start(definition: ServerDefinition): Promise<ManagedServer> {
    const directory = mkdtempSync(`${tmpdir()}/background-consumer-`);
    const watchdog = new Watchdog(directory);
    try {
      await definition.prepare?.(directory);
      return await ManagedServer.#startOnFreePort(definition, directory, watchdog);
    } catch (error) {
      await removeDirectory(directory);
      watchdog.release();
      throw error;
    }
  }

  static async #startOnFreePort(
    definition: ServerDefinition,
    directory: string,
    watchdog: Watchdog,
  ): Promise<ManagedServer> {
    for (let attempt = 1; ; attempt += 1) {
      const server = new ManagedServer(definition, { directory, port: randomPort() }, watchdog);
      try {
        await server.#launch();
        return server;
      } catch (error) {
        await server.kill();
        if (!(error instanceof PortTakenError) || attempt === MAX_PORT_ATTEMPTS) throw error;
      }
    }
  }

  /** Process id; `undefined` between {@link kill} and {@link restart}. */
  get pid(): number | undefined {
    return this.#process?.child.pid;
  }

  /** The shell command that ends the server immediately, for use after {@link release}. */
  get endCommand(): string {
    const { child, command } = this.#process ?? {};
    return child?.pid === undefined || command === undefined ? ':' : endCommand(command, child.pid);
  }

  /** Sends a signal, such as SIGSTOP or SIGCONT. Does nothing if the server is not running. */
  signal(signal: NodeJS.Signals): void {
    if (this.#process !== undefined) sendSignal(this.#process.command, this.#process.child, signal);
  }

  /** Ends the server with SIGKILL, like a crash, and waits for its exit. Keeps its files for {@link restart}. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Starts the server again with the same port and files, after an orderly shutdown. Resolves when it replies. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.#launch();
  }

  /** Ends the server and removes its files. May be called repeatedly. */
  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    await removeDirectory(this.directory);
    this.#watchdog.release();
  }

  /** Keeps the server and its directory after this process exits. {@link endCommand} ends the server. */
  release(): void {
    this.#watchdog.release();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process?.child;
    if (child === undefined) return;
    const exit = once(child, 'exit');
    child.ref();
    this.signal(signal);
    await exit;
  }

  async #launch(): Promise<void> {
    const command = this.#definition.command(this);
    const logFile = `${this.directory}/server.log`;
    const log = openSync(logFile, 'w');
    // The log is a file, because a pipe would break, and end the server, if this process died first.
    const child = spawn(command.file, command.arguments, { detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    child.unref();
    this.#process = { child, command };
    this.#watchdog.guard(this.endCommand);
    const forget = (): void => {
      this.#process = undefined;
      this.#watchdog.standDown();
    };
    child.once('exit', forget);
    child.once('error', forget);
    await this.#waitUntilReady(logFile);
  }

  async #waitUntilReady(logFile: string): Promise<void> {
    const { name, startTimeoutMs } = this.#definition;
    const deadline = performance.now() + startTimeoutMs;
    while (this.#process !== undefined && performance.now() < deadline) {
      if (await this.#isReady()) return;
      await sleep(PROBE_INTERVAL_MS);
    }
    const nextStep = 'Check the log above, then try again.';
    const lastLines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-15).join('\n');
    if (this.#process !== undefined) {
      throw new ServerError(
        'server-silent',
        `${name} did not reply within ${startTimeoutMs} ms:\n${lastLines}`,
        { nextStep },
      );
    }
    if (/already (in use|allocated)/i.test(lastLines))
      throw new PortTakenError('port-taken', `Port ${this.port} is in use.`);
    throw new ServerError('server-ended', `${name} exited during startup:\n${lastLines}`, { nextStep });
  }

  async #isReady(): Promise<boolean> {
    try {
      await this.#definition.probe(this);
      return this.#process !== undefined;
    } catch {
      return false;
    }
  }
}

/** Retries, because a server that was killed may still create files while it exits. */
async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Below the range of ephemeral ports, so that the port is still free when a server restarts. */
function randomPort(): number {
  return randomInt(15_000, 32_000);
}
