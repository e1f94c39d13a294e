import { mkdir, symlink } from 'node:fs/promises';
import type { ServerAddress } from '../local/servers/managed-server.ts';
import type { ServerCommand } from '../local/servers/server-command.ts';
import { executorDirectory } from './function-processes.ts';
import type { InstalledLocalStack } from './install.ts';

/** Links what LocalStack would otherwise generate at each start into its empty directory. */
export async function prepareHostDirectory(program: InstalledLocalStack, directory: string): Promise<void> {
  await mkdir(`${directory}/usr/lib`, { recursive: true });
  await symlink(program.staticLibraries, `${directory}/usr/lib/localstack`);
}

/** Runs LocalStack as a process of this machine ("host mode"), with functions as its child processes. */
export function hostCommand(
  program: InstalledLocalStack,
  server: ServerAddress,
  executablePath: string,
): ServerCommand {
  const environment = {
    ...localStackEnvironment(server),
    ...executorEnvironment(program, server),
    PATH: executablePath,
    PYTHONPATH: `${import.meta.dirname}/executor`,
    PYTHONPYCACHEPREFIX: program.bytecodeDirectory,
  };
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  // Nothing is inherited from this process: its AWS_ENDPOINT_URL would make LocalStack call itself endlessly.
  return { file: 'env', arguments: ['-i', ...variables, program.python, '-m', 'node_executor.start'] };
}

function localStackEnvironment({ directory, port }: ServerAddress): Record<string, string> {
  return {
    GATEWAY_LISTEN: `127.0.0.1:${port}`,
    LOCALSTACK_HOST: `127.0.0.1:${port}`,
    SQS_ENDPOINT_STRATEGY: 'path',
    // Keeps all files in this directory. If this machine is itself a container, they would go to /var/lib and /etc.
    OVERRIDE_IN_DOCKER: '0',
    FILESYSTEM_ROOT: directory,
    TMPDIR: directory,
    HOME: directory,
    // Disables internet access: DNS server, certificate download, usage events, service catalog.
    DNS_ADDRESS: '0',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    DISABLE_EVENTS: '1',
    API_ENDPOINT: 'http://127.0.0.1:9',
    // Halves the latency of an invocation.
    IN_MEMORY_CLIENT: '1',
    LAMBDA_RUNTIME_EXECUTOR: 'node',
    // Makes functions active when CreateFunction returns, and asynchronous retries take seconds instead of minutes.
    LAMBDA_SYNCHRONOUS_CREATE: '1',
    LAMBDA_RETRY_BASE_DELAY: '2',
  };
}

/** Variables that executor/node_executor/settings.py reads. */
function executorEnvironment(
  program: InstalledLocalStack,
  { directory }: ServerAddress,
): Record<string, string> {
  return {
    NODE_EXECUTOR_NODE: process.execPath,
    NODE_EXECUTOR_RUNTIME_CLIENT: program.runtimeClient,
    NODE_EXECUTOR_RAPID_CLIENT: `${import.meta.dirname}/runtime-client/rapid-client.mjs`,
    NODE_EXECUTOR_DIRECTORY: executorDirectory(directory),
  };
}
