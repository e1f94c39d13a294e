import { type ChildProcess, spawnSync } from 'node:child_process';

/** How a server is run: as a process, or as the foreground client of a Docker container. */
export interface ServerCommand {
  readonly file: string;
  readonly arguments: readonly string[];
  /** The container's name, where it is one: signals must go to it, as the client passes not all of them on. */
  readonly container?: string | undefined;
}

export function sendSignal(command: ServerCommand, child: ChildProcess, signal: NodeJS.Signals): void {
  if (command.container === undefined) child.kill(signal);
  else spawnSync('docker', ['kill', '--signal', signal, command.container]);
}

/** The shell command that ends it at once, from outside of this process. */
export function endCommand(command: ServerCommand, pid: number): string {
  return command.container === undefined ? `kill -9 ${pid}` : `docker rm --force ${command.container}`;
}
