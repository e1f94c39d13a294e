import { type ChildProcess, spawnSync } from 'node:child_process';

/** The command that runs a server, either directly or as the foreground client of a Docker container. */
export interface ServerCommand {
  readonly file: string;
  readonly arguments: readonly string[];
  /** Name of the container, if any. Signals must go to it, because the client does not forward all of them. */
  readonly container?: string | undefined;
}

export function sendSignal(command: ServerCommand, child: ChildProcess, signal: NodeJS.Signals): void {
  if (command.container === undefined) child.kill(signal);
  else spawnSync('docker', ['kill', '--signal', signal, command.container]);
}

/** The shell command that ends the server immediately, from outside this process. */
export function endCommand(command: ServerCommand, pid: number): string {
  return command.container === undefined ? `kill -9 ${pid}` : `docker rm --force ${command.container}`;
}
