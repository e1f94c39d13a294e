import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import type { LocalStackConfiguration } from './configuration.ts';

export interface Python {
  readonly path: string;
  /** `3.13` */
  readonly version: string;
}

/** Locked packages exist for these, the newer one preferred: LocalStack 4.14.0 wants a little help with 3.12. */
const VERSIONS = ['3.13', '3.12'];

/** Debian keeps `venv` and `ensurepip` in a package of their own: without them there is no virtual environment. */
const TELL_VERSION = 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])';

/** A Python that can hold LocalStack: of the PATH, of Homebrew, or of pyenv, whether chosen there or not. */
export function findPython({ path, pyenvDirectory }: LocalStackConfiguration): Python | undefined {
  // pyenv's shims are no Pythons, and slow to say so.
  const onPath = path.split(':').filter((directory) => directory !== `${pyenvDirectory}/shims`);
  const directories = [...onPath, '/opt/homebrew/bin', ...pyenvBinDirectories(pyenvDirectory)];
  const names = [...VERSIONS.map((version) => `python${version}`), 'python3'];
  for (const name of names) {
    for (const directory of directories) {
      const version = pythonVersion(`${directory}/${name}`);
      if (version !== undefined && VERSIONS.includes(version))
        return { path: `${directory}/${name}`, version };
    }
  }
  return undefined;
}

function pyenvBinDirectories(pyenvDirectory: string): string[] {
  try {
    return readdirSync(`${pyenvDirectory}/versions`).map((name) => `${pyenvDirectory}/versions/${name}/bin`);
  } catch {
    return [];
  }
}

function pythonVersion(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const { status, stdout } = spawnSync(path, ['-c', TELL_VERSION], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
