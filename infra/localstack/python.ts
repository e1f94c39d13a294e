import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import type { LocalStackConfiguration } from './configuration.ts';

export interface Python {
  readonly path: string;
  /** `3.13` */
  readonly version: string;
}

/** Versions with locked packages, in order of preference: LocalStack 4.14.0 needs a workaround with 3.12. */
const VERSIONS = ['3.13', '3.12'];

/** Imports `venv` and `ensurepip` too: a virtual environment needs them, and Debian has a separate package for them. */
const PRINT_VERSION = 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])';

/** Finds a Python that can run LocalStack: on the PATH, in Homebrew, or in pyenv, even if not selected there. */
export function findPython({ path, pyenvDirectory }: LocalStackConfiguration): Python | undefined {
  // Shims of pyenv are not interpreters, and are slow to fail if their version is not selected.
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
  const { status, stdout } = spawnSync(path, ['-c', PRINT_VERSION], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
