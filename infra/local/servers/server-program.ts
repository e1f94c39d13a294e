import { spawnSync } from 'node:child_process';
import { installWithApt, isAptUsable } from './apt.ts';
import { ServerError } from './server-error.ts';

/** What runs a server: a program of this machine, or an image of its Docker engine. */
export type ServerProgram = { readonly path: string } | { readonly image: string };

/** Where a server can come from. */
export interface ServerSource {
  readonly program: string;
  readonly debianPackage: string;
  readonly dockerImage: string;
}

/** Debian keeps mariadbd where an ordinary user's PATH doesn't look. */
const DIRECTORIES = ['', '/usr/sbin/', '/usr/local/bin/', '/usr/local/sbin/', '/opt/homebrew/bin/'];

/**
 * Finds a server's program: installed, else installed now with apt-get (as root on Debian and Ubuntu), else Docker.
 * @throws ServerError when none of them is possible here
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
  throw new ServerError('server-missing', `There is no ${source.program} on this machine.`, {
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
