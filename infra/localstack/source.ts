import { spawnSync } from 'node:child_process';
import { type LocalStackConfiguration, readLocalStackConfiguration } from './configuration.ts';
import { findPython, type Python } from './python.ts';

/** The last version that does not require an account. */
export const LOCALSTACK_VERSION = '4.14.0';
const DOCKER_IMAGE = 'localstack/localstack:4.14';

/** Where LocalStack comes from on this machine: a Python to install it into, or a Docker image. */
export type LocalStackSource = Python | { readonly image: string };

export const LOCALSTACK_REQUIREMENTS =
  'LocalStack needs Python 3.12 or 3.13 with venv, on the PATH or under pyenv (Debian and Ubuntu: `sudo apt-get ' +
  'install python3.12-venv`, macOS: `brew install python@3.13`, elsewhere: `pyenv install 3.13`), or a running Docker daemon.';

/** Finds a source of LocalStack. Returns undefined if there is none: see {@link LOCALSTACK_REQUIREMENTS}. */
export function findLocalStackSource(
  configuration: LocalStackConfiguration = readLocalStackConfiguration(),
): LocalStackSource | undefined {
  return findPython(configuration) ?? (isDockerRunning(configuration) ? { image: DOCKER_IMAGE } : undefined);
}

function isDockerRunning({ path }: LocalStackConfiguration): boolean {
  return spawnSync('docker', ['info'], { stdio: 'ignore', env: { PATH: path } }).status === 0;
}
