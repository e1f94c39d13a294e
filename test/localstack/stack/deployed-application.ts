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
  /** The registry of the application. Its server addresses are replaced. */
  readonly registryYaml: string;
  /** Additional values of the deployment file. */
  readonly values?: DeploymentValues;
}

type FunctionRole = keyof DeployedFunctions;

/** Long enough for the next scheduled run, after the lock of a killed poller has expired, on a busy machine. */
const MAX_DRAIN_MS = 240_000;

/** An application with its own servers, and the stack on LocalStack that consumes its streams. */
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

  /** Runs `cdk deploy` again with other settings. */
  async redeploy(context: Readonly<Record<string, string>>): Promise<void> {
    await deploy(this.#localStack, this.#deployment, { context });
  }

  async destroy(): Promise<void> {
    await destroy(this.#localStack, this.#deployment);
  }

  /** Stops the scheduled runs and the servers. The stack itself is removed together with LocalStack. */
  async stop(): Promise<void> {
    const noRuns = { FunctionName: this.functions.poller, ReservedConcurrentExecutions: 0 };
    await this.lambda.putFunctionConcurrency(noRuns).catch(() => {}); // The stack may already be destroyed.
    this.lambda.destroy();
    await this.servers.stop();
  }

  /** The time in milliseconds that the IDs of new entries must exceed. */
  async lastMs(): Promise<number> {
    return millisecondsOfLast(await readProgress(this.servers.registry));
  }

  /** Waits until the schedule has settled all entries that were added. */
  async waitUntilDrained(timeout = MAX_DRAIN_MS): Promise<void> {
    await expect
      .poll(() => readProgress(this.servers.registry), { timeout, interval: 300 })
      .toSatisfy(isDone, 'drained');
  }

  readState(): Promise<State> {
    return readState(this.servers.registry);
  }

  /** Differences between the actual and the expected state, as text. Empty if there are none. */
  async differences(expected: Outcome, entries: readonly StreamEntry[]): Promise<string> {
    return describeDifferences(compareState(expected, await this.readState(), entries));
  }

  /** Runs the command `consumer` with `--function`. */
  cli(...programArguments: string[]): Promise<CliRun> {
    const target = ['--function', this.functions.operations];
    return runCli([...programArguments, ...target], this.#localStack.environment);
  }

  processes(role: FunctionRole): Promise<number[]> {
    return functionProcesses(this.#localStack, this.functions[role]);
  }

  /** Processes that are in the middle of an invocation. The others are stopped or have ended. */
  async busyProcesses(role: FunctionRole): Promise<number[]> {
    const pids = await this.processes(role);
    if (pids.length === 0) return [];
    const { stdout } = spawnSync('ps', ['-o', 'pid=,stat=', '-p', pids.join()], { encoding: 'utf8' });
    const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/));
    return lines.flatMap(([pid, state = 'T']) => (/^[TZX]/.test(state) ? [] : [Number(pid)]));
  }

  /**
   * Sends a signal to the processes that are in the middle of an invocation, as soon as there are any.
   * @returns how many processes got the signal: 0 if all entries were settled before a busy process was seen
   */
  async signalBusyProcesses(role: FunctionRole, signal: NodeJS.Signals): Promise<number> {
    const deadline = performance.now() + MAX_DRAIN_MS;
    while (performance.now() < deadline) {
      const signaled = (await this.busyProcesses(role)).filter((pid) => send(pid, signal));
      if (signaled.length > 0) return signaled.length;
      if (isDone(await readProgress(this.servers.registry))) return 0;
    }
    throw new Error(`The ${role} was idle for ${MAX_DRAIN_MS} ms, although entries are pending.`);
  }

  /** The log lines of all invocations that have ended. */
  async log(role: FunctionRole): Promise<string[]> {
    const lines = await new FunctionLogs(this.#localStack, this.functions[role]).read();
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
    // The process has just ended.
    return false;
  }
}
