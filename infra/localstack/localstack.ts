import { readFile } from 'node:fs/promises';
import { ManagedServer, type ServerAddress } from '../local/servers/managed-server.ts';
import { type LocalStackConfiguration, readLocalStackConfiguration } from './configuration.ts';
import {
  addressesForContainers,
  dockerCommand,
  functionContainerProcesses,
  HOST_IN_CONTAINERS,
  removeFunctionContainers,
  removeFunctionContainersCommand,
} from './docker-command.ts';
import { functionProcesses, killFunctionProcesses } from './function-processes.ts';
import { hostCommand, prepareHostDirectory } from './host-command.ts';
import { type InstalledLocalStack, provideLocalStack } from './install.ts';

export interface StartLocalStackOptions {
  /** Called with a line for each step that takes a while. Default: prints it to stderr. */
  readonly onProgress?: (line: string) => void;
  /** Default: read from the environment. */
  readonly configuration?: LocalStackConfiguration;
}

/** What the users of a LocalStack need to know about it, in this process or another. */
export interface LocalStackAddress {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly region: string;
  /** Environment variables to set for AWS clients and for `cdk`. */
  readonly environment: Readonly<Record<string, string>>;
  /** The host name under which its functions reach servers on this machine. */
  readonly hostForFunctions: string;
  /** Addresses, in addition to 127.0.0.1, on which these servers must listen. */
  readonly serverAddresses: readonly string[];
  /** Directory for all its files and those of its deployments. It is removed when LocalStack is stopped. */
  readonly directory: string;
  /** File with its stdout and stderr, for diagnosing failures. */
  readonly logFile: string;
}

/** A LocalStack that this process has started. It starts empty, and everything is removed when it is stopped. */
export interface LocalStack extends LocalStackAddress {
  /** `undefined` once it has ended. */
  readonly pid: number | undefined;
  /** The shell command that kills it, for the user who takes it over after {@link release}. */
  readonly endCommand: string;
  /** IDs of the processes that run a function: one for each execution environment, including frozen ones. */
  childProcesses(functionName: string): Promise<number[]>;
  /** Lets it and its directory outlive this process. The user must end it with {@link endCommand}. */
  release(): void;
  /** Ends it together with all function processes, and removes its files. Can be called twice. */
  stop(): Promise<void>;
}

const REGION = 'us-east-1';
const START_TIMEOUT_MS = 120_000;
/** Includes pulling the Docker image, which has 1 GB. */
const DOCKER_START_TIMEOUT_MS = 900_000;

/**
 * Starts LocalStack on a free port of 127.0.0.1, and installs it first if necessary. It and its function processes end
 * when this process ends, no matter how. Resolves when it answers.
 * @throws ServerError if it cannot be installed, or does not start
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
    command: (server) => hostCommand(program, server, executablePath),
    probe,
  });
  return localStackOn(server, {
    hostForFunctions: '127.0.0.1',
    serverAddresses: [],
    endCommand: () => server.endCommand,
    childProcesses: (functionName) => functionProcesses(server, functionName),
    async stop() {
      // SIGKILL, because an orderly shutdown takes seconds and there is nothing to save.
      await server.kill();
      await killFunctionProcesses(server);
      await server.stop();
    },
  });
}

async function startInDocker(image: string): Promise<LocalStack> {
  let container = '';
  const server = await ManagedServer.start({
    name: 'LocalStack',
    startTimeoutMs: DOCKER_START_TIMEOUT_MS,
    command(server) {
      const command = dockerCommand(image, server);
      container = command.container;
      return command;
    },
    probe,
  });
  return localStackOn(server, {
    hostForFunctions: HOST_IN_CONTAINERS,
    serverAddresses: addressesForContainers(),
    endCommand: () => `${server.endCommand}; ${removeFunctionContainersCommand(container)}`,
    childProcesses: async (functionName) => functionContainerProcesses(container, functionName),
    async stop() {
      await server.stop();
      removeFunctionContainers(container);
    },
  });
}

/** Checks the log first: if the port was already taken, a different LocalStack might answer the health check. */
async function probe({ port, directory }: ServerAddress): Promise<void> {
  const log = await readFile(`${directory}/server.log`, 'utf8');
  if (!log.includes('Ready.')) throw new Error('LocalStack is not ready.');
  const response = await fetch(`http://127.0.0.1:${port}/_localstack/health`);
  if (!response.ok) throw new Error(`LocalStack's health check returned ${response.status}.`);
}

/** What depends on whether LocalStack runs on this machine or in Docker. */
type RunMode = Pick<LocalStack, 'hostForFunctions' | 'serverAddresses' | 'childProcesses' | 'stop'> & {
  readonly endCommand: () => string;
};

function localStackOn(server: ManagedServer, mode: RunMode): LocalStack {
  const endpoint = `http://127.0.0.1:${server.port}`;
  return {
    endpoint,
    region: REGION,
    environment: clientEnvironment(endpoint),
    hostForFunctions: mode.hostForFunctions,
    serverAddresses: mode.serverAddresses,
    directory: server.directory,
    logFile: `${server.directory}/server.log`,
    get pid() {
      return server.pid;
    },
    get endCommand() {
      return mode.endCommand();
    },
    childProcesses: mode.childProcesses,
    release: () => server.release(),
    stop: mode.stop,
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
    // Otherwise clients would wait for the credentials of an EC2 instance, and there is none.
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
