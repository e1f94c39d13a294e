import { setTimeout as sleep } from 'node:timers/promises';
import type { Difference } from '../kit/difference.ts';
import { Random } from '../kit/generate/random.ts';
import { ConsumerProcess, type ProcessEnd } from './consumer-process.ts';
import { isSlowPoint, type Kill } from './kills.ts';
import { mysqlFaults, redisFaults } from './network-faults.ts';
import type { Mechanism, Orders } from './orders.ts';
import type { Application, Servers } from './place.ts';
import type { Trouble } from './troubles.ts';

const ENTRIES_A_KILL = 7;
const ENTRIES_A_TROUBLE = 30;
const END_WITHIN_MS = 60_000;
const BUDGET_MS = 20_000;
const SLOW_BUDGET_MS = 5000;
/** Then the network is whole again, so that the drain can come to an end. */
const NETWORK_FAILS_MS = 4000;

export interface CampaignOptions {
  readonly application: Application;
  readonly servers: Servers;
  readonly random: Random;
  readonly ordering: Orders['ordering'];
  readonly broken: Mechanism | null;
  /** Told of what happens, line by line. */
  readonly tell: (line: string) => void;
}

/** What a campaign did to the consumer. */
export interface Casualties {
  /** By point; those at a random instant under `instant`. */
  readonly kills: Map<string, number>;
  readonly faults: Map<string, number>;
  pauses: number;
  restarts: number;
  /** Processes that did not come to an end, or ended in a way that nobody asked for. */
  readonly failures: Difference[];
}

/** Drains an application's history part by part, each under some trouble, with real processes. */
export class Campaign {
  readonly casualties: Casualties = {
    kills: new Map(),
    faults: new Map(),
    pauses: 0,
    restarts: 0,
    failures: [],
  };
  readonly #options: CampaignOptions;
  readonly #begun: ConsumerProcess[] = [];
  readonly #spares = [new ConsumerProcess(), new ConsumerProcess()];

  constructor(options: CampaignOptions) {
    this.#options = options;
  }

  get killCount(): number {
    return [...this.casualties.kills.values()].reduce((sum, count) => sum + count, 0);
  }

  /** One part of the history, drained to its end under the trouble. */
  async run(trouble: Trouble): Promise<void> {
    this.#options.tell(`${(performance.now() / 1000).toFixed(1)} s: ${JSON.stringify(trouble)}`);
    switch (trouble.kind) {
      case 'kills':
        return this.#killAndFinish(trouble.kills);
      case 'pause':
        return this.#pause(trouble);
      case 'network':
        return this.#failNetwork(trouble.to);
      case 'invocations':
        return this.#loseInvocations();
      case 'restart':
        return this.#restart(trouble);
    }
  }

  /** What is left of the history, undisturbed. */
  async finish(): Promise<void> {
    await this.#options.application.addEntries(Number.POSITIVE_INFINITY);
    await this.#drain();
  }

  /** To be called in any case: some processes wait for orders, and one may have stopped itself. */
  close(): void {
    for (const process of [...this.#spares, ...this.#begun]) process.kill();
  }

  async #killAndFinish(kills: readonly Kill[]): Promise<void> {
    for (const kill of kills) {
      await this.#options.application.addEntries(ENTRIES_A_KILL);
      const process = this.#begin(ordersToDie(kill));
      if ('afterMs' in kill) {
        await sleep(kill.afterMs);
        process.kill();
      }
      const end = await this.#end(process);
      if (end.kind === 'killed') increment(this.casualties.kills, 'point' in kill ? kill.point : 'instant');
    }
    await this.#drain();
  }

  async #pause({ point, hit, mostMs }: Trouble & { kind: 'pause' }): Promise<void> {
    await this.#options.application.addEntries(ENTRIES_A_TROUBLE);
    const paused = this.#begin({ end: { signal: 'SIGSTOP', point, hit } });
    if (await paused.stopped()) {
      this.casualties.pauses += 1;
      const successor = this.#begin({});
      const waking = sleep(mostMs);
      const end = this.#end(successor);
      await Promise.race([end, waking]);
      paused.wake();
      await end;
    }
    await this.#end(paused);
  }

  async #failNetwork(to: 'mysql' | 'redis'): Promise<void> {
    const { application, servers, random } = this.#options;
    const proxies = to === 'mysql' ? [servers.mysqlProxy] : Object.values(servers.redisProxies);
    const faults = to === 'mysql' ? mysqlFaults : redisFaults;
    const chooseFault = faults(new Random(random.next()), (fault) =>
      increment(this.casualties.faults, `${to} ${fault.kind}`),
    );
    await application.addEntries(ENTRIES_A_TROUBLE);
    for (const proxy of proxies) proxy.failBy(chooseFault);
    const heal = () => {
      for (const proxy of proxies) proxy.heal();
    };
    const healing = setTimeout(heal, NETWORK_FAILS_MS);
    await this.#drain();
    clearTimeout(healing);
    heal();
  }

  async #loseInvocations(): Promise<void> {
    await this.#options.application.addEntries(ENTRIES_A_TROUBLE);
    await this.#end(this.#begin({ lossSeed: this.#options.random.next() }));
  }

  async #restart({ of, how }: Trouble & { kind: 'restart' }): Promise<void> {
    const { application, servers, random } = this.#options;
    const server = of === 'mysql' ? servers.mysql : servers.redis[of === 'shop' ? 'shop' : 'default'];
    await application.addEntries(ENTRIES_A_TROUBLE);
    const process = this.#begin({});
    await sleep(random.integer(20, 250));
    if (how === 'crash') await server.kill();
    await server.restart();
    this.casualties.restarts += 1;
    await this.#end(process);
  }

  async #drain(): Promise<void> {
    await this.#end(this.#begin({}));
  }

  /** A process that was started ahead; the next ones start meanwhile. */
  #begin(orders: Partial<Orders>): ConsumerProcess {
    const process = this.#spares.shift() ?? new ConsumerProcess();
    this.#spares.push(new ConsumerProcess());
    this.#begun.push(process);
    const { application, ordering, broken } = this.#options;
    process.begin({
      registryYaml: application.registryYaml,
      ordering,
      broken,
      end: null,
      lossSeed: null,
      isTail: false,
      budgetMs: BUDGET_MS,
      ...orders,
    });
    return process;
  }

  async #end(process: ConsumerProcess): Promise<ProcessEnd> {
    const end = await process.end(END_WITHIN_MS);
    const failure = failureOf(end);
    if (failure !== undefined) {
      this.casualties.failures.push({ kind: 'unfinished', what: `${failure}: ${process.lastWords}` });
    }
    this.#options.tell(`  ${(performance.now() / 1000).toFixed(1)} s: ${end.kind} ${process.lastWords}`);
    return end;
  }
}

function failureOf(end: ProcessEnd): string | undefined {
  switch (end.kind) {
    case 'hung':
      return `a consumer had not drained after ${END_WITHIN_MS} ms`;
    case 'failed':
      return `a consumer ended with exit code ${end.exitCode}`;
    case 'drained':
    case 'killed':
      return undefined;
  }
}

function ordersToDie(kill: Kill): Partial<Orders> {
  return {
    ...('point' in kill ? { end: { signal: 'SIGKILL', ...kill } } : {}),
    ...(isSlowPoint(kill) ? { isTail: true, budgetMs: SLOW_BUDGET_MS } : {}),
  };
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
