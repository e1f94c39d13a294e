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
import { addRefusedEntry } from './rejected-entry.ts';

const STACK_NAME = 'BackgroundConsumer';
const BACKLOG_ENTRIES = 20_000;

/** How far a `cdk deploy` is: `STACK | 12/41 | …` */
const RESOURCES_DONE = /\|\s+(\d+)\/(\d+) \|/;
const MIN_MS_BETWEEN_LINES = 1000;

export interface Progress {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The stack on LocalStack, with a Redis and a MariaDB of its own that hold recorded streams. */
export interface Stage {
  readonly localStack: LocalStack;
  readonly servers: DemoServers;
  readonly deployment: LocalDeployment;
  readonly functions: DeployedFunctions;
}

/** What is there of a stage, so that it can be taken down whenever the building of it ends. */
export class StageBuilder {
  #localStack: LocalStack | undefined;
  #servers: DemoServers | undefined;

  async build({ say, signal }: Progress): Promise<Stage> {
    this.#localStack = await startLocalStack({ onProgress: say });
    signal.throwIfAborted();
    say('Starting Redis and MariaDB…');
    this.#servers = await startDemoServers(this.#localStack.serverAddresses);
    signal.throwIfAborted();
    const [localStack, servers] = [this.#localStack, this.#servers];
    say(`Loading recorded streams, and a backlog of ${BACKLOG_ENTRIES.toLocaleString('en')} entries…`);
    const registryYaml = await load(localStack, servers);
    say('Making the account of LocalStack ready with `cdk bootstrap` (a quarter of a minute)…');
    await bootstrap(localStack, { signal });
    const deployment = await prepareDeployment(localStack, STACK_NAME, registryYaml);
    say('Deploying the stack with `cdk deploy` (half a minute)…');
    const functions = await deploy(localStack, deployment, { signal, onLine: tellResources(say) });
    return { localStack, servers, deployment, functions };
  }

  /** Ends everything, and removes its files. */
  async takeDown(say: Progress['say']): Promise<void> {
    if (this.#localStack !== undefined) say('Taking everything down…');
    await Promise.all([this.#localStack?.stop(), this.#servers && stopDemoServers(this.#servers)]);
  }

  /** Lets everything outlive this program. */
  release(): void {
    this.#localStack?.release();
    if (this.#servers !== undefined) releaseDemoServers(this.#servers);
  }
}

/** Returns the registry as functions see it. */
async function load(localStack: LocalStack, servers: DemoServers): Promise<string> {
  const registryFile = await loadDemoRecording(servers);
  const place = redisAddressOf(servers, 'default');
  await addRefusedEntry(place);
  await addBacklog(place, BACKLOG_ENTRIES);
  const host = localStack.hostForFunctions;
  const { port, user, password } = servers.mysql;
  return retargetRegistry(await readFile(registryFile, 'utf8'), {
    mysql: { host, port, user, password },
    redis: (pool) => ({ ...redisAddressOf(servers, pool), host }),
  });
}

function tellResources(say: (line: string) => void): (line: string) => void {
  let toldAt = performance.now();
  return (line) => {
    const [, done, all] = RESOURCES_DONE.exec(line) ?? [];
    if (all === undefined || performance.now() - toldAt < MIN_MS_BETWEEN_LINES) return;
    toldAt = performance.now();
    say(`  ${done} of ${all} resources`);
  };
}
