import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Waits for the end of its standard input, which comes when this process ends, however it ends. Each line before that
 * is the command to run then; `release` ends the wait. The signals are ignored because Ctrl-C must not take the
 * watchdog before what it watches. A dying server may still write into the directory: hence the repetition.
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
 * Ends a server and removes its directory when this process dies, even by SIGKILL. A shell in a session of its own
 * does it, so that neither Ctrl-C nor a kill of the whole process group reaches it.
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

  /** Sets the shell command that ends the server, in place of the one before. */
  guard(endCommand: string): void {
    this.#shell.stdin?.write(`${endCommand}\n`);
  }

  /** There is nothing to end any more. Called when the server is gone, lest its process id be someone else's by then. */
  standDown(): void {
    this.guard(':');
  }

  /** Ends the watch: server and directory outlive this process. */
  release(): void {
    this.#shell.stdin?.end('release\n');
  }
}
