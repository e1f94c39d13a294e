import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ServerError } from '../local/servers/server-error.ts';
import { cachedDirectory } from './cached-directory.ts';
import { type LocalStackConfiguration, readLocalStackConfiguration } from './configuration.ts';
import type { Python } from './python.ts';
import { findLocalStackSource, LOCALSTACK_REQUIREMENTS, LOCALSTACK_VERSION } from './source.ts';

/** How to run LocalStack: an installation on this machine, or a Docker image. */
export type LocalStackProgram = InstalledLocalStack | { readonly image: string };

/** Paths of an installation. */
export interface InstalledLocalStack {
  /** The Python of a virtual environment that holds LocalStack. */
  readonly python: string;
  /** LocalStack's index of AWS services, for its directory `/usr/lib/localstack`. */
  readonly staticLibraries: string;
  /** Path of `index.mjs` of aws-lambda-ric. */
  readonly runtimeClient: string;
  /** Directory for Python bytecode, which must not be written into the source directories of this project. */
  readonly bytecodeDirectory: string;
}

/** Installs in 10 seconds what takes pip a minute. */
const UV = 'uv==0.13.9';

const run = promisify(execFile);

/**
 * Installs LocalStack and the runtime client of its functions into the cache directory, unless they are already there.
 * The versions are locked in `requirements.txt` and `runtime-client/package-lock.json`. Docker pulls its image when it
 * runs LocalStack.
 * @throws ServerError if this machine has neither a suitable Python nor Docker, or if the installation fails
 */
export async function provideLocalStack(
  onProgress: (line: string) => void = console.error,
  configuration: LocalStackConfiguration = readLocalStackConfiguration(),
): Promise<LocalStackProgram> {
  const source = findLocalStackSource(configuration);
  if (source === undefined) {
    throw new ServerError('localstack-missing', 'LocalStack cannot run on this machine.', {
      nextStep: LOCALSTACK_REQUIREMENTS,
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
  return cachedDirectory(`${directory}/${name}`, async (target) => {
    onProgress(
      `Installing LocalStack ${LOCALSTACK_VERSION} for Python ${version} (400 MB, about half a minute)…`,
    );
    await runStep(path, ['-m', 'venv', target]);
    const python = `${target}/bin/python`;
    await runStep(python, ['-m', 'pip', 'install', '--quiet', UV]);
    const install = ['pip', 'install', '--quiet', '--no-deps', '--require-hashes', '-r', requirements];
    await runStep(python, ['-m', 'uv', ...install, '--python', python]).catch(async () => {
      // uv ignores pip's own configuration, such as a company mirror.
      onProgress('uv could not install the packages. Trying pip, which takes about a minute…');
      await runStep(python, ['-m', ...install]);
    });
    await indexServices(target, `${directory}/bytecode`);
  });
}

/** Builds the index once. Otherwise LocalStack would build it at each start, and answer 3 seconds later. */
async function indexServices(packages: string, bytecodeDirectory: string): Promise<void> {
  await mkdir(staticLibraries(packages), { recursive: true });
  await runStep('env', [
    '-i',
    'OVERRIDE_IN_DOCKER=0',
    'DISABLE_EVENTS=1',
    `HOME=${packages}/localstack`,
    `FILESYSTEM_ROOT=${packages}/localstack`,
    `PYTHONPYCACHEPREFIX=${bytecodeDirectory}`,
    `${packages}/bin/python`,
    '-m',
    'localstack.aws.spec',
  ]);
}

function staticLibraries(packages: string): string {
  return `${packages}/localstack/usr/lib/localstack`;
}

async function provideRuntimeClient(directory: string, onProgress: (line: string) => void): Promise<string> {
  const source = `${import.meta.dirname}/runtime-client`;
  const name = `runtime-client-${shortHash(readFileSync(`${source}/package-lock.json`, 'utf8'))}`;
  return cachedDirectory(`${directory}/${name}`, async (target) => {
    onProgress('Installing the AWS Lambda runtime client for Node (aws-lambda-ric)…');
    await mkdir(target);
    for (const file of ['package.json', 'package-lock.json'])
      await copyFile(`${source}/${file}`, `${target}/${file}`);
    // The package's install script would compile its native part for a minute. `rapid-client.mjs` replaces that part.
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await runStep('npm', ['ci', ...options, '--prefix', target]);
  });
}

async function runStep(file: string, parameters: readonly string[]): Promise<void> {
  try {
    await run(file, parameters, { maxBuffer: 64 * 1024 * 1024 });
  } catch (cause) {
    const lastLines = String(cause).trim().split('\n').slice(-15).join('\n');
    throw new ServerError('localstack-install-failed', `LocalStack could not be installed: ${lastLines}`, {
      nextStep: 'Make sure that this machine can reach PyPI and the npm registry, then try again.',
      cause,
    });
  }
}

function shortHash(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
