import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Waits until its standard input is closed, which happens when this process ends for any reason. Then it runs the last
 * command that it received as a line; the line `release` makes it exit without running a command. It ignores signals,
 * because Ctrl-C must not end the watchdog before the server. It retries to remove the directory, because a dying server
 * may still write into it.
 */
const SCRIPT = `
trap '' INT TERM HUP
directory=$1
command=:
while read -r line; do
  if [ "$line" = release ]; then exit 0; fi
  command=$line
done
sh -c "$command"
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$directory" && exit 0
  sleep 0.2
done
`;

/**
 * Ends a server and removes its directory when this process dies, even by SIGKILL. It is a shell in its own session, so
 * that neither Ctrl-C nor a kill of the whole process group reaches it.
 */
export class Watchdog {
  readonly #shell: ChildProcess;

  constructor(directory: string) {
    this.#shell = spawn('sh', ['-c', SCRIPT, 'watchdog', directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#shell.unref();
  }

  /** Replaces the shell command that ends the server. */
  guard(endCommand: string): void {
    this.#shell.stdin?.write(`${endCommand}\n`);
  }

  /** Disarms the watchdog after the server exited, because another process may reuse its process id. */
  standDown(): void {
    this.guard(':');
  }

  /** Ends the watchdog. The server and its directory outlive this process. */
  release(): void {
    this.#shell.stdin?.end('release\n');
  }
}
