import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../kit/generate/random.ts';
import type { Application, Servers } from './chaos-servers.ts';
import type { ConsumerProcess } from './consumer-process.ts';
import { BUDGET_MS, Consumers, type ConsumersOptions, type ProcessInstructions } from './consumers.ts';
import type { Fault } from './faults.ts';
import { takeAccessRights } from './injections/access-rights.ts';
import { killBeforeLogRows } from './injections/assigned-ids.ts';
import { raiseDeliveryCounts } from './injections/delivery-counts.ts';
import type { Injection } from './injections/injection.ts';
import { loseLastSecond } from './injections/lost-second.ts';
import { redriveDeadLetters } from './injections/redrives.ts';
import { holdRowLocks } from './injections/row-locks.ts';
import { reportServerConditions } from './injections/server-conditions.ts';
import { setGroupBack } from './injections/set-back.ts';
import { isAtSlowFailpoint, type Kill } from './kills.ts';
import { MAX_DELAY_MS, mysqlFaults, redisFaults } from './network-faults.ts';
import type { Workload } from './workloads/workload.ts';

const ENTRIES_PER_KILL = 7;
const ENTRIES_PER_FAULT = 30;
/** In tail mode entries are added in this many portions. */
const TAIL_PORTIONS = 4;
const MAX_LULL_MS = 50;
const TAIL_BUDGET_MS = 2500;
/** A process in tail mode that has not reached its failpoint by now will not reach it. */
const TAIL_KILL_MS = 600;
const SLOW_BUDGET_MS = 5000;
/** After this time the network is healed, so that the drain can finish. */
const NETWORK_FAILS_MS = 4000;

/** The last drain may have thousands of entries to process. */
const LAST_DRAIN_TIMEOUT_MS = 600_000;
/** More redrives than any dead letter needs. */
const MAX_REDRIVES = 5;

export interface CampaignOptions extends ConsumersOptions {
  readonly application: Application;
  readonly workloads: readonly Workload[];
  readonly servers: Servers;
  readonly random: Random;
}

/** How often each fault happened. */
export interface FaultCounts {
  /** By failpoint; kills after a random time count as `instant`. */
  readonly kills: Map<string, number>;
  /** Kills and other faults that happened to a consumer in tail mode. */
  inTailMode: number;
  readonly network: Map<string, number>;
  pauses: number;
  restarts: number;
  /** What other programs and operators did, by its name. */
  readonly foreign: Map<string, number>;
}

/**
 * Runs the consumer under faults. For each fault the workloads add some entries, then real processes drain them while
 * the fault happens. Afterwards a process without faults drains the rest. README.md describes workloads, faults and
 * checks.
 */
export class Campaign {
  readonly faultCounts: FaultCounts = {
    kills: new Map(),
    inTailMode: 0,
    network: new Map(),
    pauses: 0,
    restarts: 0,
    foreign: new Map(),
  };
  readonly #options: CampaignOptions;
  readonly #consumers: Consumers;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#consumers = new Consumers(options);
  }

  get killCount(): number {
    return [...this.faultCounts.kills.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Processes that hung or failed. */
  get failures(): Consumers['failures'] {
    return this.#consumers.failures;
  }

  /** Adds some entries, and drains them completely while the fault happens. */
  async run(fault: Fault): Promise<void> {
    this.#options.log(`${(performance.now() / 1000).toFixed(1)} s: ${JSON.stringify(fault)}`);
    await this.#inject(fault);
    for (const workload of this.#options.workloads) await workload.checkDrained?.();
  }

  /** Adds the remaining entries, drains them without faults, and redrives dead letters until there are none left. */
  async finish(): Promise<void> {
    for (const workload of this.#options.workloads) await workload.addRemaining();
    await this.#consumers.waitForEnd(this.#consumers.start({}), LAST_DRAIN_TIMEOUT_MS);
    for (let attempt = 0; attempt < MAX_REDRIVES && (await this.#redrive()); attempt++) await this.#drain();
  }

  /** Must always be called, even after an error. */
  close(): void {
    this.#consumers.close();
  }

  #inject(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kills':
        return this.#killAndDrain(fault.kills);
      case 'pause':
        return this.#pause(fault);
      case 'network':
        return this.#failNetwork(fault);
      case 'invocations':
        return this.#loseInvocations();
      case 'restart':
        return this.#restart(fault);
      case 'acl':
        return takeAccessRights(this.#injection, fault.taken);
      case 'delivery-counts':
        return raiseDeliveryCounts(this.#injection);
      case 'locks':
        return holdRowLocks(this.#injection);
      case 'assigned-ids':
        return killBeforeLogRows(this.#injection);
      case 'server-errors':
        return reportServerConditions(this.#injection);
      case 'redrives':
        return redriveDeadLetters(this.#injection);
      case 'lost-second':
        return loseLastSecond(this.#injection, fault.persistence);
      case 'set-back':
        return setGroupBack(this.#injection);
    }
  }

  get #injection(): Injection {
    const { servers, application, workloads, random, instructions } = this.#options;
    return {
      servers,
      application,
      workloads,
      random,
      ordering: instructions.ordering,
      broken: instructions.broken,
      add: (count) => this.#add(count),
      start: (processInstructions) => this.#consumers.start(processInstructions),
      waitForEnd: (process) => this.#consumers.waitForEnd(process),
      count: (name) => increment(this.faultCounts.foreign, name),
    };
  }

  /** Returns true if there was a dead letter to redrive. */
  async #redrive(): Promise<boolean> {
    let redriven = 0;
    for (const workload of this.#options.workloads) redriven += (await workload.redriveAll?.()) ?? 0;
    return redriven > 0;
  }

  async #killAndDrain(kills: readonly Kill[]): Promise<void> {
    for (const kill of kills) await this.#kill(kill);
    await this.#drain();
  }

  async #kill(kill: Kill): Promise<void> {
    await this.#add(ENTRIES_PER_KILL);
    const process = this.#consumers.start(killInstructions(kill));
    if (kill.isTail) await this.#addWhileDraining(process, ENTRIES_PER_KILL);
    const maxMs = 'afterMs' in kill ? kill.afterMs : kill.isTail ? TAIL_KILL_MS : undefined;
    let name = 'failpoint' in kill ? kill.failpoint : 'instant';
    const timer = setTimeout(() => {
      name = 'instant';
      process.kill();
    }, maxMs);
    if (maxMs === undefined) clearTimeout(timer);
    const end = await this.#consumers.waitForEnd(process);
    clearTimeout(timer);
    if (end.kind !== 'killed') return;
    increment(this.faultCounts.kills, name);
    if (kill.isTail) this.faultCounts.inTailMode += 1;
  }

  async #pause({ failpoint, hit, maxMs }: Fault & { kind: 'pause' }): Promise<void> {
    await this.#add(ENTRIES_PER_FAULT);
    const paused = this.#consumers.start({ selfSignal: { signal: 'SIGSTOP', failpoint, hit } });
    if (await paused.waitUntilPaused()) {
      this.faultCounts.pauses += 1;
      for (const workload of this.#options.workloads) await (workload.supersede?.() ?? workload.add(1));
      const successor = this.#consumers.start({});
      const timeout = sleep(maxMs);
      const end = this.#consumers.waitForEnd(successor);
      await Promise.race([end, timeout]);
      paused.resume();
      await end;
    }
    await this.#consumers.waitForEnd(paused);
  }

  async #failNetwork({ to, isTail = false }: Fault & { kind: 'network' }): Promise<void> {
    const { servers, random } = this.#options;
    const proxies = to === 'mysql' ? [servers.mysqlProxy] : Object.values(servers.redisProxies);
    const faults = to === 'mysql' ? mysqlFaults : redisFaults;
    const chooseFault = faults(new Random(random.next()), (fault) =>
      increment(this.faultCounts.network, `${to} ${fault.kind}`),
    );
    await this.#add(ENTRIES_PER_FAULT);
    for (const proxy of proxies) proxy.injectFaults(chooseFault);
    const heal = () => {
      for (const proxy of proxies) proxy.heal();
    };
    const healing = setTimeout(heal, NETWORK_FAILS_MS);
    await (isTail ? this.#tail() : this.#drain());
    clearTimeout(healing);
    heal();
    // A late request may still be on its way after its sender is gone. It must not overtake requests of the next part.
    await sleep(MAX_DELAY_MS);
  }

  async #loseInvocations(): Promise<void> {
    await this.#add(ENTRIES_PER_FAULT);
    await this.#consumers.waitForEnd(this.#consumers.start({ lossSeed: this.#options.random.next() }));
  }

  async #restart({ server: name, how }: Fault & { kind: 'restart' }): Promise<void> {
    const { servers, random } = this.#options;
    const server = name === 'mysql' ? servers.mysql : servers.redis[name === 'shop' ? 'shop' : 'default'];
    await this.#add(ENTRIES_PER_FAULT);
    const process = this.#consumers.start({});
    await sleep(random.integer(20, 250));
    if (how === 'crash') await server.kill();
    await server.restart();
    this.faultCounts.restarts += 1;
    await this.#consumers.waitForEnd(process);
  }

  async #drain(): Promise<void> {
    await this.#consumers.waitForEnd(this.#consumers.start({}));
  }

  async #tail(): Promise<void> {
    this.faultCounts.inTailMode += 1;
    const process = this.#consumers.start({ isTail: true, budgetMs: TAIL_BUDGET_MS });
    await this.#addWhileDraining(process, ENTRIES_PER_FAULT);
    await this.#consumers.waitForEnd(process);
  }

  async #add(count: number): Promise<void> {
    for (const workload of this.#options.workloads) await workload.add(count);
  }

  /** Adds entries in portions, so that some arrive while the consumer waits and some while it works. */
  async #addWhileDraining(process: ConsumerProcess, count: number): Promise<void> {
    await process.waitUntilDraining();
    for (let portion = 0; portion < TAIL_PORTIONS; portion++) {
      await this.#add(Math.ceil(count / TAIL_PORTIONS));
      await sleep(this.#options.random.integer(0, MAX_LULL_MS));
    }
  }
}

function killInstructions(kill: Kill): ProcessInstructions {
  const isSlow = isAtSlowFailpoint(kill);
  const budgetMs = kill.isTail ? TAIL_BUDGET_MS : BUDGET_MS;
  return {
    selfSignal: 'failpoint' in kill ? { signal: 'SIGKILL', failpoint: kill.failpoint, hit: kill.hit } : null,
    isTail: kill.isTail || isSlow,
    budgetMs: isSlow ? SLOW_BUDGET_MS : budgetMs,
  };
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
