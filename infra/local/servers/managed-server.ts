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

/** What a kind of server tells {@link ManagedServer} about itself. */
export interface ServerDefinition {
  /** For people: `Redis`. */
  readonly name: string;
  readonly startTimeoutMs: number;
  /** Fills the directory before the first start. */
  prepare?(directory: string): Promise<void>;
  command(place: ServerAddress): ServerCommand;
  /** Resolves where the server answers, and rejects where it doesn't (yet). */
  probe(place: ServerAddress): Promise<void>;
}

export interface ServerAddress {
  readonly port: number;
  /** All files of the server; removed when it is stopped. */
  readonly directory: string;
}

const MAXIMUM_PORT_ATTEMPTS = 10;
const PROBE_INTERVAL_MS = 20;

/**
 * A server process of ours on a port of 127.0.0.1, with all its files in one directory. It runs in a session of its
 * own, so that a Ctrl-C for this program leaves it up until the program has finished with it; a watchdog ends it with
 * this process. Not running after {@link kill}, gone for good after {@link stop}.
 */
export class ManagedServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly directory: string;
  readonly #definition: ServerDefinition;
  readonly #watchdog: Watchdog;
  #process: { readonly child: ChildProcess; readonly command: ServerCommand } | undefined;

  private constructor(definition: ServerDefinition, place: ServerAddress, watchdog: Watchdog) {
    this.port = place.port;
    this.directory = place.directory;
    this.#definition = definition;
    this.#watchdog = watchdog;
  }

  /** @throws ServerError when it doesn't come up; its directory is then removed. */
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
        if (!(error instanceof PortTakenError) || attempt === MAXIMUM_PORT_ATTEMPTS) throw error;
      }
    }
  }

  /** Of the running process; `undefined` between {@link kill} and {@link restart}. */
  get pid(): number | undefined {
    return this.#process?.child.pid;
  }

  /** The shell command that ends it at once, for whom it is left to by {@link release}. */
  get endCommand(): string {
    const { child, command } = this.#process ?? {};
    return child?.pid === undefined || command === undefined ? ':' : endCommand(command, child.pid);
  }

  /** Sends a signal, for instance SIGSTOP and SIGCONT; nothing happens where it doesn't run. */
  signal(signal: NodeJS.Signals): void {
    if (this.#process !== undefined) sendSignal(this.#process.command, this.#process.child, signal);
  }

  /** Ends it with SIGKILL, as a crash would, and waits until it is gone. Its files stay, for {@link restart}. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Starts it again on the same port and files, after an orderly shutdown if it runs. Resolves when it answers. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.#launch();
  }

  /** Ends it and removes its files. May be called twice. */
  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    await removeDirectory(this.directory);
    this.#watchdog.release();
  }

  /** Lets it outlive this process, together with its directory: somebody else ends it by {@link endCommand}. */
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
    // The log is a file: a pipe would break, and with it the server, when this process dies before it.
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
      if (await this.#answers()) return;
      await sleep(PROBE_INTERVAL_MS);
    }
    const lastWords = readFileSync(logFile, 'utf8').trim().split('\n').slice(-15).join('\n');
    if (this.#process !== undefined) {
      throw new ServerError(
        'server-silent',
        `${name} didn't answer within ${startTimeoutMs} ms:\n${lastWords}`,
      );
    }
    if (/already (in use|allocated)/i.test(lastWords))
      throw new PortTakenError('port-taken', `Port ${this.port} is taken.`);
    throw new ServerError('server-ended', `${name} ended while it started:\n${lastWords}`);
  }

  async #answers(): Promise<boolean> {
    try {
      await this.#definition.probe(this);
      return this.#process !== undefined;
    } catch {
      return false;
    }
  }
}

/** Repeats where a file appears meanwhile: a server that was killed may not be quite gone. */
async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Below the range that systems take for outgoing connections, so that a server finds its port free after a restart. */
function randomPort(): number {
  return randomInt(15_000, 32_000);
}
