import { readFile } from 'node:fs/promises';
import { ManagedServer, type ServerAddress } from '../local/servers/managed-server.ts';
import { type LocalStackConfiguration, readLocalStackConfiguration } from './configuration.ts';
import {
  addressesForContainers,
  dockerCommand,
  functionContainerProcesses,
  HOST_FROM_CONTAINERS,
  removeFunctionContainers,
  removeFunctionContainersCommand,
} from './docker-command.ts';
import { endFunctionProcesses, functionProcesses } from './function-processes.ts';
import { hostCommand, prepareHostDirectory } from './host-command.ts';
import { type InstalledLocalStack, provideLocalStack } from './install.ts';

export interface StartLocalStackOptions {
  /** Gets a line for each thing that takes a while. Default: printed on stderr. */
  readonly onProgress?: (line: string) => void;
  /** Default: from the environment. */
  readonly configuration?: LocalStackConfiguration;
}

/** What users of a LocalStack need to know of it, in whatever process they are. */
export interface LocalStackAddress {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly region: string;
  /** For AWS's clients and for `cdk`, to be added to the environment that they run in. */
  readonly environment: Readonly<Record<string, string>>;
  /** The host under which its functions reach servers of this machine. */
  readonly hostForFunctions: string;
  /** Addresses at which those servers must listen for that, beside 127.0.0.1. */
  readonly serverAddresses: readonly string[];
  /** All its files, and room for those that belong to what is deployed on it; removed when it is stopped. */
  readonly directory: string;
  /** What it writes to stdout and stderr, for looking into failures. */
  readonly logFile: string;
}

/** A LocalStack of our own, empty at first, which forgets everything when it is stopped. */
export interface LocalStack extends LocalStackAddress {
  /** `undefined` once it is gone. */
  readonly pid: number | undefined;
  /** The shell command that ends it at once, for whom it is left to by {@link release}. */
  readonly endCommand: string;
  /** Ids of the processes that run a function now, one for each of its environments, frozen ones included. */
  childProcesses(functionName: string): Promise<number[]>;
  /** Lets it outlive this process, with its directory: somebody else ends it, by {@link endCommand}. */
  release(): void;
  /** Ends it with all function processes and removes all its files. May be called twice. */
  stop(): Promise<void>;
}

const REGION = 'us-east-1';
const START_TIMEOUT_MS = 120_000;
/** Docker's image has 1 GB, and comes first. */
const DOCKER_START_TIMEOUT_MS = 900_000;

/**
 * Starts LocalStack on a free port of 127.0.0.1, installing it first where it is missing. It ends with this process,
 * however that ends, and its function processes with it. Resolves when it answers.
 * @throws ServerError where it can't be installed, or doesn't come up
 */
export async function startLocalStack(options: StartLocalStackOptions = {}): Promise<LocalStack> {
  const { onProgress = console.error, configuration = readLocalStackConfiguration() } = options;
  const program = await provideLocalStack(onProgress, configuration);
  onProgress('Starting LocalStack…');
  return 'image' in program ? startInDocker(program.image) : startOnHost(program, configuration.path);
}

async function startOnHost(program: InstalledLocalStack, executablePath: string): Promise<LocalStack> {
  const server = await ManagedServer.start({
    name: 'LocalStack',
    startTimeoutMs: START_TIMEOUT_MS,
    prepare: (directory) => prepareHostDirectory(program, directory),
    command: (place) => hostCommand(program, place, executablePath),
    probe,
  });
  return localStackOn(server, {
    hostForFunctions: '127.0.0.1',
    serverAddresses: [],
    endCommand: () => server.endCommand,
    childProcesses: (functionName) => functionProcesses(server, functionName),
    async stop() {
      // Killed rather than asked: it has nothing to save, and takes seconds to say goodbye.
      await server.kill();
      await endFunctionProcesses(server);
      await server.stop();
    },
  });
}

async function startInDocker(image: string): Promise<LocalStack> {
  let container = '';
  const server = await ManagedServer.start({
    name: 'LocalStack',
    startTimeoutMs: DOCKER_START_TIMEOUT_MS,
    command(place) {
      const command = dockerCommand(image, place);
      container = command.container;
      return command;
    },
    probe,
  });
  return localStackOn(server, {
    hostForFunctions: HOST_FROM_CONTAINERS,
    serverAddresses: addressesForContainers(),
    endCommand: () => `${server.endCommand}; ${removeFunctionContainersCommand(container)}`,
    childProcesses: async (functionName) => functionContainerProcesses(container, functionName),
    async stop() {
      await server.stop();
      removeFunctionContainers(container);
    },
  });
}

/** Its own word comes first: on a port that was taken, another LocalStack might answer in place of ours. */
async function probe({ port, directory }: ServerAddress): Promise<void> {
  const log = await readFile(`${directory}/server.log`, 'utf8');
  if (!log.includes('Ready.')) throw new Error('LocalStack is not ready.');
  const response = await fetch(`http://127.0.0.1:${port}/_localstack/health`);
  if (!response.ok) throw new Error(`LocalStack's health is ${response.status}.`);
}

/** What depends on how it runs. */
type Way = Pick<LocalStack, 'hostForFunctions' | 'serverAddresses' | 'childProcesses' | 'stop'> & {
  readonly endCommand: () => string;
};

function localStackOn(server: ManagedServer, { endCommand, ...way }: Way): LocalStack {
  const endpoint = `http://127.0.0.1:${server.port}`;
  return {
    endpoint,
    region: REGION,
    environment: clientEnvironment(endpoint),
    ...way,
    directory: server.directory,
    logFile: `${server.directory}/server.log`,
    get endCommand() {
      return endCommand();
    },
    get pid() {
      return server.pid;
    },
    release: () => server.release(),
  };
}

function clientEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Nobody waits for the credentials of an EC2 instance that isn't there.
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
