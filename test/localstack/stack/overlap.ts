import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployedApplication } from './deployed-application.ts';

const INTERVAL_MS = 200;

/** Detects whether a poller that started before the deployment of a new executor is still running after it. */
export class Overlap {
  readonly #application: DeployedApplication;
  #isSeen = false;

  constructor(application: DeployedApplication) {
    this.#application = application;
  }

  get isSeen(): boolean {
    return this.#isSeen;
  }

  /** Watches until `end` is settled. */
  async watch(end: Promise<unknown>): Promise<void> {
    let isOver = false;
    const finish = () => {
      isOver = true;
    };
    end.then(finish, finish);
    const before = await this.#executorVersion();
    let oldPollers: number[] = [];
    while (!isOver) {
      const busy = await this.#application.busyProcesses('poller');
      if ((await this.#executorVersion()) === before) oldPollers = busy;
      else if (busy.some((pid) => oldPollers.includes(pid))) this.#isSeen = true;
      await sleep(INTERVAL_MS);
    }
  }

  async #executorVersion(): Promise<string | undefined> {
    const { lambda, functions } = this.#application;
    return (await lambda.getFunctionConfiguration({ FunctionName: functions.executor })).RevisionId;
  }
}
