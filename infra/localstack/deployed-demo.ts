import { readFile } from 'node:fs/promises';
import { addBacklog } from '../local/demo/backlog.ts';
import {
  type DemoServers,
  loadDemoRecording,
  redisAddressOf,
  releaseDemoServers,
  startDemoServers,
  stopDemoServers,
} from '../local/demo/demo-servers.ts';
import { retargetRegistry } from '../local/recording/target-servers.ts';
import { bootstrap } from './cdk.ts';
import { type DeployedFunctions, deploy, type LocalDeployment, prepareDeployment } from './deployment.ts';
import { type LocalStack, startLocalStack } from './localstack.ts';
import { addRejectedEntry } from './rejected-entry.ts';

const STACK_NAME = 'BackgroundConsumer';
const BACKLOG_ENTRIES = 20_000;

/** The progress in the output of `cdk deploy`: `STACK | 12/41 | …` */
const RESOURCE_COUNTS = /\|\s+(\d+)\/(\d+) \|/;
const MIN_MS_BETWEEN_LINES = 1000;

export interface BuildOptions {
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The stack deployed on LocalStack, with a Redis and a MariaDB of its own that contain recorded streams. */
export interface DeployedDemo {
  readonly localStack: LocalStack;
  readonly servers: DemoServers;
  readonly deployment: LocalDeployment;
  readonly functions: DeployedFunctions;
}

/** Builds the demo, and keeps track of what has been started so that it can be taken down even if the build fails. */
export class DemoBuilder {
  #localStack: LocalStack | undefined;
  #servers: DemoServers | undefined;

  async build({ print, signal }: BuildOptions): Promise<DeployedDemo> {
    this.#localStack = await startLocalStack({ onProgress: print });
    signal.throwIfAborted();
    print('Starting Redis and MariaDB…');
    this.#servers = await startDemoServers(this.#localStack.serverAddresses);
    signal.throwIfAborted();
    const [localStack, servers] = [this.#localStack, this.#servers];
    print(`Loading recorded streams and a backlog of ${BACKLOG_ENTRIES.toLocaleString('en')} entries…`);
    const registryYaml = await load(localStack, servers);
    print('Preparing the LocalStack account with `cdk bootstrap` (about 15 seconds)…');
    await bootstrap(localStack, { signal });
    const deployment = await prepareDeployment(localStack, STACK_NAME, registryYaml);
    print('Deploying the stack with `cdk deploy` (about half a minute)…');
    const functions = await deploy(localStack, deployment, { signal, onLine: resourceReporter(print) });
    return { localStack, servers, deployment, functions };
  }

  /** Ends everything that was started, and removes its files. */
  async takeDown(print: BuildOptions['print']): Promise<void> {
    if (this.#localStack !== undefined) print('Stopping everything…');
    await Promise.all([this.#localStack?.stop(), this.#servers && stopDemoServers(this.#servers)]);
  }

  /** Lets everything outlive this program. */
  release(): void {
    this.#localStack?.release();
    if (this.#servers !== undefined) releaseDemoServers(this.#servers);
  }
}

/** Loads the demo into the servers, and returns the registry with the addresses that functions use. */
async function load(localStack: LocalStack, servers: DemoServers): Promise<string> {
  const registryFile = await loadDemoRecording(servers);
  const redis = redisAddressOf(servers, 'default');
  await addRejectedEntry(redis);
  await addBacklog(redis, BACKLOG_ENTRIES);
  const host = localStack.hostForFunctions;
  const { port, user, password } = servers.mysql;
  return retargetRegistry(await readFile(registryFile, 'utf8'), {
    mysql: { host, port, user, password },
    redis: (pool) => ({ ...redisAddressOf(servers, pool), host }),
  });
}

/** Prints how many resources are done, at most once a second. */
function resourceReporter(print: (line: string) => void): (line: string) => void {
  let printedAt = performance.now();
  return (line) => {
    const [, done, total] = RESOURCE_COUNTS.exec(line) ?? [];
    if (total === undefined || performance.now() - printedAt < MIN_MS_BETWEEN_LINES) return;
    printedAt = performance.now();
    print(`  ${done} of ${total} resources`);
  };
}
