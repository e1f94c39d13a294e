import { spawnSync } from 'node:child_process';
import { Lambda } from '@aws-sdk/client-lambda';
import { expect } from 'vitest';
import { clientConfig } from '../../../infra/localstack/client-config.ts';
import {
  type DeployedFunctions,
  type DeploymentValues,
  deploy,
  destroy,
  type LocalDeployment,
  prepareDeployment,
} from '../../../infra/localstack/deployment.ts';
import { FunctionLogs } from '../../../infra/localstack/function-logs.ts';
import { functionProcesses } from '../../../infra/localstack/function-processes.ts';
import type { LocalStackAddress } from '../../../infra/localstack/localstack.ts';
import { compareState } from '../../kit/compare.ts';
import { describeDifferences } from '../../kit/difference.ts';
import { type CliRun, runCli } from '../../kit/run-cli.ts';
import { readState, type State } from '../../kit/state.ts';
import type { Outcome } from '../../oracle/outcome.ts';
import type { StreamEntry } from '../../oracle/stream-entry.ts';
import { ApplicationServers } from './application-servers.ts';
import { isDone, millisecondsOfLast, readProgress } from './progress.ts';
import { type RunSummary, runSummaries } from './run-summaries.ts';

export interface ApplicationOptions {
  readonly stackName: string;
  /** Its addresses are of no use. */
  readonly registryYaml: string;
  /** Of the deployment file. */
  readonly values?: DeploymentValues;
}

type Part = keyof DeployedFunctions;

/** For the next run of the schedule, after a lock that nobody gives back, on a machine that has much else to do. */
const DRAINED_WITHIN_MS = 240_000;

/** An application with servers of its own, and the stack on LocalStack that consumes its streams. */
export class DeployedApplication {
  readonly servers: ApplicationServers;
  readonly functions: DeployedFunctions;
  readonly lambda: Lambda;
  readonly #localStack: LocalStackAddress;
  readonly #deployment: LocalDeployment;

  private constructor(
    servers: ApplicationServers,
    functions: DeployedFunctions,
    localStack: LocalStackAddress,
    deployment: LocalDeployment,
  ) {
    this.servers = servers;
    this.functions = functions;
    this.#localStack = localStack;
    this.#deployment = deployment;
    this.lambda = new Lambda(clientConfig(localStack));
  }

  static async deploy(
    localStack: LocalStackAddress,
    { stackName, registryYaml, values }: ApplicationOptions,
  ): Promise<DeployedApplication> {
    const servers = await ApplicationServers.start(registryYaml, localStack.serverAddresses);
    try {
      const yaml = servers.registryYaml(localStack.hostForFunctions);
      const deployment = await prepareDeployment(localStack, stackName, yaml, values);
      const functions = await deploy(localStack, deployment);
      return new DeployedApplication(servers, functions, localStack, deployment);
    } catch (error) {
      await servers.stop();
      throw error;
    }
  }

  /** Runs `cdk deploy` once more, with other settings. */
  async redeploy(context: Readonly<Record<string, string>>): Promise<void> {
    await deploy(this.#localStack, this.#deployment, { context });
  }

  async destroy(): Promise<void> {
    await destroy(this.#localStack, this.#deployment);
  }

  /** Ends the schedule's runs and the servers. The stack itself goes with LocalStack. */
  async stop(): Promise<void> {
    const nobody = { FunctionName: this.functions.poller, ReservedConcurrentExecutions: 0 };
    await this.lambda.putFunctionConcurrency(nobody).catch(() => {}); // It may be destroyed.
    this.lambda.destroy();
    await this.servers.stop();
  }

  /** What ids of entries to come must be greater than. */
  async lastMs(): Promise<number> {
    return millisecondsOfLast(await readProgress(this.servers.registry));
  }

  /** Waits until all entries that were added are settled, by the schedule alone. */
  async drained(timeout = DRAINED_WITHIN_MS): Promise<void> {
    await expect
      .poll(() => readProgress(this.servers.registry), { timeout, interval: 300 })
      .toSatisfy(isDone, 'drained');
  }

  readState(): Promise<State> {
    return readState(this.servers.registry);
  }

  /** How what is there differs from what must be there, as text: nothing where it doesn't. */
  async differences(expected: Outcome, entries: readonly StreamEntry[]): Promise<string> {
    return describeDifferences(compareState(expected, await this.readState(), entries));
  }

  /** The program `consumer` with `--function`. */
  cli(...programArguments: string[]): Promise<CliRun> {
    const target = ['--function', this.functions.operations];
    return runCli([...programArguments, ...target], this.#localStack.environment);
  }

  processes(part: Part): Promise<number[]> {
    return functionProcesses(this.#localStack, this.functions[part]);
  }

  /** Processes in the middle of an invocation: those between two are stopped. */
  async busyProcesses(part: Part): Promise<number[]> {
    const pids = await this.processes(part);
    if (pids.length === 0) return [];
    const { stdout } = spawnSync('ps', ['-o', 'pid=,stat=', '-p', pids.join()], { encoding: 'utf8' });
    const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/));
    return lines.flatMap(([pid, state = 'T']) => (/^[TZX]/.test(state) ? [] : [Number(pid)]));
  }

  /**
   * Sends a signal to the processes that are in the middle of an invocation, as soon as there are some.
   * @returns how many there were: none where all entries were settled before one was seen
   */
  async strike(part: Part, signal: NodeJS.Signals): Promise<number> {
    const deadline = performance.now() + DRAINED_WITHIN_MS;
    while (performance.now() < deadline) {
      const struck = (await this.busyProcesses(part)).filter((pid) => send(pid, signal));
      if (struck.length > 0) return struck.length;
      if (isDone(await readProgress(this.servers.registry))) return 0;
    }
    throw new Error(`The ${part} has not been at work for ${DRAINED_WITHIN_MS} ms, and there is work to do.`);
  }

  /** All lines of ended invocations. */
  async log(part: Part): Promise<string[]> {
    const lines = await new FunctionLogs(this.#localStack, this.functions[part]).read();
    return lines.map(({ text }) => text);
  }

  async summaries(): Promise<RunSummary[]> {
    return runSummaries(await this.log('poller'));
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // It has just ended.
    return false;
  }
}
