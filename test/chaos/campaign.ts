import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../kit/generate/random.ts';
import type { Servers } from './chaos-servers.ts';
import type { Orders } from './child-instructions.ts';
import type { ConsumerProcess } from './consumer-process.ts';
import { Consumers, type ConsumersOptions } from './consumers.ts';
import type { Trouble } from './faults.ts';
import { isSlowPoint, type Kill } from './kills.ts';
import { MAX_DELAY_MS, mysqlFaults, redisFaults } from './network-faults.ts';
import type { Subject } from './workloads/workload.ts';

const ENTRIES_A_KILL = 7;
const ENTRIES_A_TROUBLE = 30;
/** Of the entries that come while a consumer waits for them. */
const TAIL_PORTIONS = 4;
const MAX_LULL_MS = 50;
const TAIL_BUDGET_MS = 2500;
/** Who has not come to its point in tail mode by now will not. */
const TAIL_KILL_MS = 600;
const SLOW_BUDGET_MS = 5000;
/** Then the network is whole again, so that the drain can come to an end. */
const NETWORK_FAILS_MS = 4000;

export interface CampaignOptions extends ConsumersOptions {
  readonly subjects: readonly Subject[];
  readonly servers: Servers;
  readonly random: Random;
}

/** What a campaign did to the consumer. */
export interface Casualties {
  /** By point; those at a random instant under `instant`. */
  readonly kills: Map<string, number>;
  /** Kills among these, and other troubles, of consumers that waited for new entries. */
  inTailMode: number;
  readonly faults: Map<string, number>;
  pauses: number;
  restarts: number;
}

/** Has real processes drain part by part what the subjects add, each part under some trouble. */
export class Campaign {
  readonly casualties: Casualties = {
    kills: new Map(),
    inTailMode: 0,
    faults: new Map(),
    pauses: 0,
    restarts: 0,
  };
  readonly #options: CampaignOptions;
  readonly #consumers: Consumers;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#consumers = new Consumers(options);
  }

  get killCount(): number {
    return [...this.casualties.kills.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Of processes: see `Consumers`. */
  get failures(): Consumers['failures'] {
    return this.#consumers.failures;
  }

  /** One part, drained to its end under the trouble. */
  async run(trouble: Trouble): Promise<void> {
    this.#options.tell(`${(performance.now() / 1000).toFixed(1)} s: ${JSON.stringify(trouble)}`);
    await this.#endure(trouble);
    for (const subject of this.#options.subjects) await subject.rest?.();
  }

  /** What is left, undisturbed. */
  async finish(): Promise<void> {
    for (const subject of this.#options.subjects) await subject.addLast();
    await this.#drain();
  }

  /** To be called in any case. */
  close(): void {
    this.#consumers.close();
  }

  #endure(trouble: Trouble): Promise<void> {
    switch (trouble.kind) {
      case 'kills':
        return this.#killAndFinish(trouble.kills);
      case 'pause':
        return this.#pause(trouble);
      case 'network':
        return this.#failNetwork(trouble);
      case 'invocations':
        return this.#loseInvocations();
      case 'restart':
        return this.#restart(trouble);
    }
  }

  async #killAndFinish(kills: readonly Kill[]): Promise<void> {
    for (const kill of kills) await this.#kill(kill);
    await this.#drain();
  }

  async #kill(kill: Kill): Promise<void> {
    await this.#add(ENTRIES_A_KILL);
    const process = this.#consumers.begin(ordersToDie(kill));
    if (kill.isTail) await this.#addMeanwhile(process, ENTRIES_A_KILL);
    const lastMs = 'afterMs' in kill ? kill.afterMs : kill.isTail ? TAIL_KILL_MS : undefined;
    let name = 'point' in kill ? kill.point : 'instant';
    const timer = setTimeout(() => {
      name = 'instant';
      process.kill();
    }, lastMs);
    if (lastMs === undefined) clearTimeout(timer);
    const end = await this.#consumers.end(process);
    clearTimeout(timer);
    if (end.kind !== 'killed') return;
    increment(this.casualties.kills, name);
    if (kill.isTail) this.casualties.inTailMode += 1;
  }

  async #pause({ point, hit, maxMs }: Trouble & { kind: 'pause' }): Promise<void> {
    await this.#add(ENTRIES_A_TROUBLE);
    const paused = this.#consumers.begin({ end: { signal: 'SIGSTOP', point, hit } });
    if (await paused.stopped()) {
      this.casualties.pauses += 1;
      for (const subject of this.#options.subjects) await (subject.overtake?.() ?? subject.add(1));
      const successor = this.#consumers.begin({});
      const waking = sleep(maxMs);
      const end = this.#consumers.end(successor);
      await Promise.race([end, waking]);
      paused.wake();
      await end;
    }
    await this.#consumers.end(paused);
  }

  async #failNetwork({ to, isTail = false }: Trouble & { kind: 'network' }): Promise<void> {
    const { servers, random } = this.#options;
    const proxies = to === 'mysql' ? [servers.mysqlProxy] : Object.values(servers.redisProxies);
    const faults = to === 'mysql' ? mysqlFaults : redisFaults;
    const chooseFault = faults(new Random(random.next()), (fault) =>
      increment(this.casualties.faults, `${to} ${fault.kind}`),
    );
    await this.#add(ENTRIES_A_TROUBLE);
    for (const proxy of proxies) proxy.failBy(chooseFault);
    const heal = () => {
      for (const proxy of proxies) proxy.heal();
    };
    const healing = setTimeout(heal, NETWORK_FAILS_MS);
    await (isTail ? this.#tail() : this.#drain());
    clearTimeout(healing);
    heal();
    // A request may still be under way whose sender is long gone; the next part's must not be overtaken by it.
    await sleep(MAX_DELAY_MS);
  }

  async #loseInvocations(): Promise<void> {
    await this.#add(ENTRIES_A_TROUBLE);
    await this.#consumers.end(this.#consumers.begin({ lossSeed: this.#options.random.next() }));
  }

  async #restart({ of, how }: Trouble & { kind: 'restart' }): Promise<void> {
    const { servers, random } = this.#options;
    const server = of === 'mysql' ? servers.mysql : servers.redis[of === 'shop' ? 'shop' : 'default'];
    await this.#add(ENTRIES_A_TROUBLE);
    const process = this.#consumers.begin({});
    await sleep(random.integer(20, 250));
    if (how === 'crash') await server.kill();
    await server.restart();
    this.casualties.restarts += 1;
    await this.#consumers.end(process);
  }

  async #drain(): Promise<void> {
    await this.#consumers.end(this.#consumers.begin({}));
  }

  async #tail(): Promise<void> {
    this.casualties.inTailMode += 1;
    const process = this.#consumers.begin({ isTail: true, budgetMs: TAIL_BUDGET_MS });
    await this.#addMeanwhile(process, ENTRIES_A_TROUBLE);
    await this.#consumers.end(process);
  }

  async #add(count: number): Promise<void> {
    for (const subject of this.#options.subjects) await subject.add(count);
  }

  /** In portions, so that some come while the consumer waits and some while it works. */
  async #addMeanwhile(process: ConsumerProcess, count: number): Promise<void> {
    await process.draining();
    for (let left = TAIL_PORTIONS; left > 0; left--) {
      await this.#add(Math.ceil(count / TAIL_PORTIONS));
      await sleep(this.#options.random.integer(0, MAX_LULL_MS));
    }
  }
}

function ordersToDie(kill: Kill): Partial<Orders> {
  return {
    ...('point' in kill ? { end: { signal: 'SIGKILL', point: kill.point, hit: kill.hit } } : {}),
    ...(kill.isTail ? { isTail: true, budgetMs: TAIL_BUDGET_MS } : {}),
    ...(isSlowPoint(kill) ? { isTail: true, budgetMs: SLOW_BUDGET_MS } : {}),
  };
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
