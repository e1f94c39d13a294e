import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ServerError } from '../local/servers/server-error.ts';
import { type LocalStackConfiguration, readLocalStackConfiguration } from './configuration.ts';
import { keptDirectory } from './cached-directory.ts';
import type { Python } from './python.ts';
import { findLocalStackSource, LOCALSTACK_NEEDS, LOCALSTACK_VERSION } from './source.ts';

/** What runs LocalStack. */
export type LocalStackProgram = InstalledLocalStack | { readonly image: string };

/** Paths of an installation. */
export interface InstalledLocalStack {
  /** The Python of a virtual environment that holds LocalStack. */
  readonly python: string;
  /** LocalStack's index of AWS's services, for its directory `/usr/lib/localstack`. */
  readonly staticLibraries: string;
  /** `index.mjs` of aws-lambda-ric. */
  readonly runtimeClient: string;
  /** For Python's bytecode, which must not come to lie between the sources of this project. */
  readonly bytecodeDirectory: string;
}

/** Installs in 10 s what takes pip a minute. */
const UV = 'uv==0.13.9';

const run = promisify(execFile);

/**
 * Installs LocalStack and what runs its functions into the cache directory, unless they are there: with the locked
 * versions of `requirements.txt` and `runtime-client/package-lock.json`. Docker fetches its image when it is run.
 * @throws ServerError where this machine has neither a fitting Python nor Docker, or where the installation fails
 */
export async function provideLocalStack(
  onProgress: (line: string) => void = console.error,
  configuration: LocalStackConfiguration = readLocalStackConfiguration(),
): Promise<LocalStackProgram> {
  const source = findLocalStackSource(configuration);
  if (source === undefined) {
    throw new ServerError('localstack-missing', 'There is no way to run LocalStack on this machine.', {
      nextStep: LOCALSTACK_NEEDS,
    });
  }
  if ('image' in source) return source;
  const directory = `${configuration.cacheDirectory}/localstack-${LOCALSTACK_VERSION}`;
  const packages = await providePackages(source, directory, onProgress);
  const runtimeClient = await provideRuntimeClient(directory, onProgress);
  return {
    python: `${packages}/bin/python`,
    staticLibraries: staticLibraries(packages),
    runtimeClient: `${runtimeClient}/node_modules/aws-lambda-ric/index.mjs`,
    bytecodeDirectory: `${directory}/bytecode`,
  };
}

async function providePackages(
  { path, version }: Python,
  directory: string,
  onProgress: (line: string) => void,
): Promise<string> {
  const requirements = `${import.meta.dirname}/requirements.txt`;
  const name = `python-${version}-${shortHash(path + readFileSync(requirements, 'utf8'))}`;
  return keptDirectory(`${directory}/${name}`, async (place) => {
    onProgress(`Installing LocalStack ${LOCALSTACK_VERSION} for Python ${version} (400 MB, half a minute)…`);
    await runStep(path, ['-m', 'venv', place]);
    const python = `${place}/bin/python`;
    await runStep(python, ['-m', 'pip', 'install', '--quiet', UV]);
    const install = ['pip', 'install', '--quiet', '--no-deps', '--require-hashes', '-r', requirements];
    await runStep(python, ['-m', 'uv', ...install, '--python', python]).catch(async () => {
      // It knows nothing of pip's own configuration, such as a company's mirror.
      onProgress('uv could not install the packages: trying pip, which takes a minute…');
      await runStep(python, ['-m', ...install]);
    });
    await indexServices(place, `${directory}/bytecode`);
  });
}

/** LocalStack would build the index anew in each start's empty directory, and answer its first request 3 s later. */
async function indexServices(packages: string, bytecodeDirectory: string): Promise<void> {
  await mkdir(staticLibraries(packages), { recursive: true });
  await runStep('env', [
    '-i',
    ...['OVERRIDE_IN_DOCKER=0', 'DISABLE_EVENTS=1', `HOME=${packages}/localstack`],
    ...[`FILESYSTEM_ROOT=${packages}/localstack`, `PYTHONPYCACHEPREFIX=${bytecodeDirectory}`],
    ...[`${packages}/bin/python`, '-m', 'localstack.aws.spec'],
  ]);
}

function staticLibraries(packages: string): string {
  return `${packages}/localstack/usr/lib/localstack`;
}

async function provideRuntimeClient(directory: string, onProgress: (line: string) => void): Promise<string> {
  const source = `${import.meta.dirname}/runtime-client`;
  const name = `runtime-client-${shortHash(readFileSync(`${source}/package-lock.json`, 'utf8'))}`;
  return keptDirectory(`${directory}/${name}`, async (place) => {
    onProgress("Installing AWS's runtime client for Node (aws-lambda-ric)…");
    await mkdir(place);
    for (const file of ['package.json', 'package-lock.json'])
      await copyFile(`${source}/${file}`, `${place}/${file}`);
    // Without scripts: its own compiles for a minute what `rapid-client.mjs` stands in for.
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await runStep('npm', ['ci', ...options, '--prefix', place]);
  });
}

async function runStep(file: string, parameters: readonly string[]): Promise<void> {
  try {
    await run(file, parameters, { maxBuffer: 64 * 1024 * 1024 });
  } catch (cause) {
    const lastWords = String(cause).trim().split('\n').slice(-15).join('\n');
    throw new ServerError('localstack-install-failed', `LocalStack can't be installed: ${lastWords}`, {
      nextStep: 'Make sure that PyPI and the npm registry can be reached from here, then try again.',
      cause,
    });
  }
}

function shortHash(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
