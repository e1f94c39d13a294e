import { mkdir, symlink } from 'node:fs/promises';
import type { ServerAddress } from '../local/servers/managed-server.ts';
import type { ServerCommand } from '../local/servers/server-command.ts';
import { executorDirectory } from './function-processes.ts';
import type { InstalledLocalStack } from './install.ts';

/** Lays into LocalStack's empty directory what need not be made anew by each start. */
export async function prepareHostDirectory(program: InstalledLocalStack, directory: string): Promise<void> {
  await mkdir(`${directory}/usr/lib`, { recursive: true });
  await symlink(program.staticLibraries, `${directory}/usr/lib/localstack`);
}

/** LocalStack as a process of this machine ("host mode"), with functions as child processes of it. */
export function hostCommand(
  program: InstalledLocalStack,
  place: ServerAddress,
  executablePath: string,
): ServerCommand {
  const environment = {
    ...localStackEnvironment(place),
    ...executorEnvironment(program, place),
    PATH: executablePath,
    PYTHONPATH: `${import.meta.dirname}/executor`,
    PYTHONPYCACHEPREFIX: program.bytecodeDirectory,
  };
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  // Nothing of this process's environment: an AWS_ENDPOINT_URL in it would make LocalStack call itself in circles.
  return { file: 'env', arguments: ['-i', ...variables, program.python, '-m', 'node_executor.start'] };
}

function localStackEnvironment({ directory, port }: ServerAddress): Record<string, string> {
  return {
    GATEWAY_LISTEN: `127.0.0.1:${port}`,
    LOCALSTACK_HOST: `127.0.0.1:${port}`,
    SQS_ENDPOINT_STRATEGY: 'path',
    // All files in our directory, also where this machine is itself a container: else they go to /var/lib and /etc.
    OVERRIDE_IN_DOCKER: '0',
    FILESYSTEM_ROOT: directory,
    TMPDIR: directory,
    HOME: directory,
    // Nothing from or to the internet: name server, certificate, usage events, catalogue of services.
    DNS_ADDRESS: '0',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    DISABLE_EVENTS: '1',
    API_ENDPOINT: 'http://127.0.0.1:9',
    // Half the latency of an invocation.
    IN_MEMORY_CLIENT: '1',
    LAMBDA_RUNTIME_EXECUTOR: 'node',
    // Functions are active when CreateFunction returns, and asynchronous retries take seconds instead of minutes.
    LAMBDA_SYNCHRONOUS_CREATE: '1',
    LAMBDA_RETRY_BASE_DELAY: '2',
  };
}

/** For executor/node_executor/settings.py. */
function executorEnvironment(program: InstalledLocalStack, place: ServerAddress): Record<string, string> {
  return {
    NODE_EXECUTOR_NODE: process.execPath,
    NODE_EXECUTOR_RUNTIME_CLIENT: program.runtimeClient,
    NODE_EXECUTOR_RAPID_CLIENT: `${import.meta.dirname}/runtime-client/rapid-client.mjs`,
    NODE_EXECUTOR_DIRECTORY: executorDirectory(place.directory),
  };
}
