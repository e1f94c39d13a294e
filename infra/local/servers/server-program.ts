import { spawnSync } from 'node:child_process';
import { installWithApt, isAptUsable } from './apt.ts';
import { ServerError } from './server-error.ts';

/** The program of a server: an executable of this machine, or a Docker image. */
export type ServerProgram = { readonly path: string } | { readonly image: string };

/** Sources from which a server can be provided. */
export interface ServerSource {
  readonly program: string;
  readonly debianPackage: string;
  readonly dockerImage: string;
}

/** Debian installs mariadbd in a directory that is not in the PATH of an ordinary user. */
const DIRECTORIES = ['', '/usr/sbin/', '/usr/local/bin/', '/usr/local/sbin/', '/opt/homebrew/bin/'];

/**
 * Finds the program of a server: an installed one, otherwise one that is installed now with apt-get (as root on Debian
 * and Ubuntu), otherwise a Docker image.
 * @throws ServerError if none of them is available
 */
export function provideServerProgram(source: ServerSource): ServerProgram {
  const installed = findProgram(source.program);
  if (installed !== undefined) return { path: installed };
  if (isAptUsable()) {
    installWithApt(source.debianPackage);
    const path = findProgram(source.program);
    if (path !== undefined) return { path };
  }
  if (doesRun('docker', ['info'])) return { image: source.dockerImage };
  throw new ServerError('server-missing', `${source.program} is not installed on this machine.`, {
    nextStep: `Install it (Debian and Ubuntu: \`sudo apt-get install ${source.debianPackage}\`), or start Docker.`,
  });
}

function findProgram(program: string): string | undefined {
  return DIRECTORIES.map((directory) => `${directory}${program}`).find((path) =>
    doesRun(path, ['--version']),
  );
}

function doesRun(file: string, parameters: readonly string[]): boolean {
  return spawnSync(file, parameters, { stdio: 'ignore' }).status === 0;
}
