import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { ServerAddress } from '../local/servers/managed-server.ts';
import type { ServerCommand } from '../local/servers/server-command.ts';

/**
 * Runs LocalStack in a container, which starts a container of the AWS Node image for each function environment. Written
 * from LocalStack's documentation and never tested, because no development machine has a Docker engine.
 */
export function dockerCommand(
  image: string,
  { port }: ServerAddress,
): ServerCommand & { readonly container: string } {
  const container = `background-consumer-${randomUUID()}`;
  const environment = {
    SQS_ENDPOINT_STRATEGY: 'path',
    DISABLE_EVENTS: '1',
    LAMBDA_SYNCHRONOUS_CREATE: '1',
    LAMBDA_RETRY_BASE_DELAY: '2',
    // The functions target arm64. Run them on the architecture of this machine instead.
    LAMBDA_IGNORE_ARCHITECTURE: '1',
    // Lets functions reach servers on this machine.
    LAMBDA_DOCKER_FLAGS: `--add-host=${HOST_IN_CONTAINERS}:host-gateway`,
  };
  const variables = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const run = ['run', '--rm', '--name', container, '--publish', `127.0.0.1:${port}:4566`];
  const volume = ['--volume', '/var/run/docker.sock:/var/run/docker.sock'];
  return { file: 'docker', container, arguments: [...run, ...volume, ...variables, image] };
}

/** The host name under which a function's container reaches servers on this machine. */
export const HOST_IN_CONTAINERS = 'host.docker.internal';

/** Process IDs of a function's containers on the machine of the Docker engine. Killing them requires root there. */
export function functionContainerProcesses(container: string, functionName: string): number[] {
  const ids = functionContainers(container, functionName);
  if (ids.length === 0) return [];
  return docker(['inspect', '--format', '{{.State.Pid}}', ...ids]).map(Number);
}

/** Removes the containers of all functions, because they outlive a LocalStack that was killed. */
export function removeFunctionContainers(container: string): void {
  const ids = functionContainers(container, '');
  if (ids.length > 0) docker(['rm', '--force', ...ids]);
}

/** The same operation as a shell command. */
export function removeFunctionContainersCommand(container: string): string {
  return `docker rm --force $(docker ps --all --quiet --filter name=^${container}-lambda-)`;
}

/** Addresses, in addition to 127.0.0.1, on which a server must listen so that functions can reach it. */
export function addressesForContainers(): string[] {
  // Docker Desktop forwards connections from containers to 127.0.0.1 by itself.
  if (process.platform !== 'linux') return [];
  return docker(['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}']);
}

function functionContainers(container: string, functionName: string): string[] {
  const prefix = `${container}-lambda-${functionName.toLowerCase().replaceAll('_', '-')}`;
  return docker(['ps', '--all', '--quiet', '--filter', `name=^${prefix}`]);
}

function docker(parameters: readonly string[]): string[] {
  const { stdout } = spawnSync('docker', parameters, { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '');
}
