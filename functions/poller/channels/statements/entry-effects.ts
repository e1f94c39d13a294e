import { ASYNC_CONSUMER_GROUP } from '../../../../shared/registry/beeorm-names.ts';
import type { ResultRow, WorkResult } from '../../ledger/work-item.ts';
import type { DeadLetterWrite } from '../../redis/settle-script.ts';
import { deadLetterOf } from '../../settlement/dead-letter-entry.ts';
import { type EntryOutcome, SETTLED, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { Rejection } from '../../settlement/rejection.ts';
import type { SettlementTicket } from '../../settlement/settlement-order.ts';
import { decideEffects, type Effects, type ResolvedEffect } from './effects.ts';
import type { EntryServices, ReadEntry } from './entry-services.ts';
import { Failures } from './failures.ts';
import { type ItemPhase, runLogRows } from './item-phase.ts';
import type { Plan } from './plan.ts';
import { crossPoolsOf, keysOf, type PlannedPublication, planPublications } from './publications.ts';

/** What is confirmed before the settlement. */
type Done = Pick<EntryOutcome, 'statements' | 'logRows' | 'dirtyEvents'>;

const NOTHING_DONE: Done = { statements: 0, logRows: 0, dirtyEvents: 0 };

const UNWRITABLE = { code: 'WRONGTYPE', message: 'the key is not a stream that can take an entry' };

/**
 * What follows from an entry's statements: log rows, then effects in other Redis pools, then everything else in one step
 * with the acknowledgement. A later drain can repeat each step without doing it twice.
 */
export class EntryEffects {
  readonly #entry: ReadEntry;
  readonly #services: EntryServices;
  readonly #ticket: SettlementTicket | undefined;
  readonly #failures = new Failures();
  readonly #rows = new Set<ResultRow>();

  /** `ticket`: for an entry whose publications must keep an order. */
  constructor(entry: ReadEntry, services: EntryServices, ticket?: SettlementTicket) {
    this.#entry = entry;
    this.#services = services;
    this.#ticket = ticket;
  }

  /** The entry becomes a dead letter as it is. `lookedUp`: its items, none of which was applied. */
  moveToDeadLetters(rejection: Rejection, lookedUp: readonly ItemPhase[] = []): Promise<EntryOutcome> {
    for (const phase of lookedUp) this.#addRows(phase);
    this.#failures.whole(rejection);
    return this.#thenLeave(() => this.#settle([], [], NOTHING_DONE));
  }

  followStatements(plan: Plan, statements: ItemPhase): Promise<EntryOutcome> {
    this.#addRows(statements);
    return statements.isPending
      ? this.stayPending()
      : this.#thenLeave(() => this.#runSteps(plan, statements.results));
  }

  stayPending(): Promise<EntryOutcome> {
    return this.#thenLeave(() => Promise.resolve(STAYS_PENDING));
  }

  /** For an entry that consists of log rows only. `effects`: one per result. */
  async followLogRows(effects: readonly ResolvedEffect[], phase: ItemPhase): Promise<EntryOutcome> {
    const logRows = this.#countLogRows(effects, phase);
    await this.#services.failpoint?.('logged');
    return logRows === undefined ? STAYS_PENDING : this.#settle([], [], { ...NOTHING_DONE, logRows });
  }

  /** Others may wait for the ticket, however the entry ends. */
  async #thenLeave(run: () => Promise<EntryOutcome>): Promise<EntryOutcome> {
    try {
      return await run();
    } finally {
      if (this.#ticket !== undefined) this.#services.settler.leave(this.#ticket);
    }
  }

  async #runSteps(plan: Plan, results: readonly WorkResult[]): Promise<EntryOutcome> {
    const { failpoint, pool } = this.#services;
    if (failpoint !== undefined) await failpoint('executed');
    const effects = decideEffects(plan, results, this.#services.redisPools);
    this.#failures.statements(results, effects);
    const logRows = effects.logs.length === 0 ? 0 : await this.#writeLogRows(plan, effects.logs);
    if (logRows === undefined) return STAYS_PENDING;
    if (failpoint !== undefined) await failpoint('logged');
    const publications = planPublications(plan, effects, this.#services, this.#failures);
    const dirtyEvents = await this.#applyCrossPool(effects, publications);
    if (dirtyEvents === undefined) return STAYS_PENDING;
    if (failpoint !== undefined) await failpoint('cross-pool');
    const statements = results.filter(({ kind }) => kind === 'applied').length;
    const ownPublications = publications.filter((publication) => publication.pool === pool.code);
    return this.#settle(keysOf(pool, effects), ownPublications, { statements, logRows, dirtyEvents });
  }

  /** How many rows were written; undefined if one of them stays pending. */
  async #writeLogRows(plan: Plan, effects: readonly ResolvedEffect[]): Promise<number | undefined> {
    const { pushLogRow } = this.#services;
    const phase = await new Promise<ItemPhase>((resolve) =>
      runLogRows(this.#entry.identity, plan, effects, pushLogRow, resolve),
    );
    return this.#countLogRows(effects, phase);
  }

  #countLogRows(effects: readonly ResolvedEffect[], phase: ItemPhase): number | undefined {
    if (phase.isPending) return undefined;
    this.#addRows(phase);
    for (const [index, effect] of effects.entries()) {
      const result = phase.results[index];
      if (result?.kind === 'failed') this.#failures.log(effect, result);
    }
    return phase.results.filter(({ kind }) => kind === 'applied').length;
  }

  #addRows({ rows }: ItemPhase): void {
    for (const row of rows) this.#rows.add(row);
  }

  /**
   * Each effect is recorded in its pool. Returns how many events are published; undefined if a pool could not be reached or
   * refuses a command, or if an entry ahead stays pending.
   */
  async #applyCrossPool(
    effects: Effects,
    publications: readonly PlannedPublication[],
  ): Promise<number | undefined> {
    const { pool: ownPool, redisPools } = this.#services;
    const pools = crossPoolsOf(effects, publications, ownPool.code);
    if (pools.length === 0) return 0;
    if (this.#ticket !== undefined && !(await this.#ticket.turn())) return undefined;
    let published = 0;
    for (const code of pools) {
      const pool = redisPools.get(code);
      const ofPool = publications.filter((publication) => publication.pool === code);
      const count = pool === undefined ? 0 : await this.#applyIn(code, keysOf(pool, effects), ofPool);
      if (count === undefined) return undefined;
      published += count;
    }
    return published;
  }

  async #applyIn(
    code: string,
    cacheKeys: Buffer[],
    publications: PlannedPublication[],
  ): Promise<number | undefined> {
    if (cacheKeys.length === 0 && publications.length === 0) return 0;
    const { stream, id, hash } = this.#entry.identity;
    const effects = { marker: `${stream} ${id} ${hash}`, cacheKeys, publications };
    const result = await this.#services.crossPool.apply(code, effects);
    if (result.kind === 'pending') return undefined;
    if (result.kind !== 'unwritable') return publications.length;
    return this.#applyIn(code, cacheKeys, this.#withoutUnwritable(publications, result.publications));
  }

  async #settle(cacheKeys: Buffer[], publications: PlannedPublication[], done: Done): Promise<EntryOutcome> {
    const deadLetter = this.#deadLetter();
    const { stream, group } = this.#services.fenced;
    const result = await this.#services.settler.settle(
      { stream, group, id: this.#entry.identity.id, cacheKeys, publications, deadLetter },
      this.#ticket,
    );
    if (result.kind === 'pending') return STAYS_PENDING;
    if (result.kind === 'unwritable') {
      const writable = this.#withoutUnwritable(publications, result.publications);
      return this.#settle(cacheKeys, writable, done);
    }
    for (const row of this.#rows) row.entrySettled();
    if (result.kind === 'already') return { ...SETTLED, ...done };
    return {
      ...done,
      isSettled: true,
      dirtyEvents: done.dirtyEvents + publications.length,
      cacheKeys: cacheKeys.length,
      failed: this.#failures.count,
      isDeadLetter: deadLetter !== undefined,
    };
  }

  #withoutUnwritable(
    publications: PlannedPublication[],
    unwritable: readonly number[],
  ): PlannedPublication[] {
    for (const index of unwritable) {
      const publication = publications[index];
      if (publication !== undefined)
        this.#failures.publication(publication.effect, publication.streamName, UNWRITABLE);
    }
    return publications.filter((_, index) => !unwritable.includes(index));
  }

  #deadLetter(): DeadLetterWrite | undefined {
    const unapplied = this.#failures.unapplied();
    const { first, count } = this.#failures;
    if (unapplied === undefined || first === undefined) return undefined;
    const more = count > 1 ? ` (and ${count - 1} more)` : '';
    const failure = { code: first.code, message: `${first.message}${more}` };
    const { stream } = this.#services.fenced;
    return deadLetterOf(stream, this.#entry.entry, ASYNC_CONSUMER_GROUP, failure, unapplied);
  }
}
