import { homedir } from 'node:os';

/** What the installation of LocalStack reads from the environment of this process. */
export interface LocalStackConfiguration {
  /** Directory that keeps installations from run to run. */
  readonly cacheDirectory: string;
  /** Directories to search for programs. */
  readonly path: string;
  /** Directory of pyenv, whose Python versions need not be on the PATH. */
  readonly pyenvDirectory: string;
}

/**
 * Reads `BACKGROUND_CONSUMER_CACHE` (default: `background-consumer` in `$XDG_CACHE_HOME` or `~/.cache`), `PATH` and
 * `PYENV_ROOT` (default: `~/.pyenv`).
 */
export function readLocalStackConfiguration(): LocalStackConfiguration {
  const { BACKGROUND_CONSUMER_CACHE, XDG_CACHE_HOME, PATH, PYENV_ROOT } = process.env;
  const userCache = XDG_CACHE_HOME || `${homedir()}/.cache`;
  return {
    cacheDirectory: BACKGROUND_CONSUMER_CACHE || `${userCache}/background-consumer`,
    path: PATH || '/usr/local/bin:/usr/bin:/bin',
    pyenvDirectory: PYENV_ROOT || `${homedir()}/.pyenv`,
  };
}
