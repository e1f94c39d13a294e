import { homedir } from 'node:os';

/** What LocalStack's installation takes from this process's environment. */
export interface LocalStackConfiguration {
  /** Where installations are kept from run to run. */
  readonly cacheDirectory: string;
  /** Where programs are looked for. */
  readonly path: string;
  /** Where pyenv keeps its Pythons, which need not be on the PATH. */
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
