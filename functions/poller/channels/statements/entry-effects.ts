import { deadLetterStream } from '../../../../shared/dead-letter.ts';
import { ASYNC_CONSUMER_GROUP } from '../../../../shared/registry/beeorm-names.ts';
import { deadLetterFields } from '../../dead-letters/dead-letter-fields.ts';
import type { TrackedRow } from '../../ledger/tracked-row.ts';
import type { WorkResult } from '../../ledger/work-item.ts';
import type { Settlement } from '../../redis/settle-script.ts';
import { type EntryOutcome, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { SettlementTicket } from '../../settlement/settlement-order.ts';
import { decideEffects, type Effects } from './effects.ts';
import type { EntryServices, ReadEntry } from './entry-services.ts';
import { Failures } from './failures.ts';
import { type LogRowResult, type WrittenLogRows, writeLogRows } from './log-rows.ts';
import type { Plan, Rejection } from './plan.ts';
import { crossPoolsOf, keysOf, type PlannedPublication, planPublications } from './publications.ts';

const NOTHING_DONE = { statements: 0, logRows: 0, dirtyEvents: 0 };

const UNWRITABLE = { code: 'WRONGTYPE', message: 'the key holds no stream that can take an entry' };

/**
 * What follows from an entry's statements: log rows, then effects in other Redis pools, then all that is left in one step
 * with the acknowledgement. Each step can be repeated by a later run without being done twice.
 */
export class EntryEffects {
  readonly #entry: ReadEntry;
  readonly #services: EntryServices;
  readonly #place: SettlementTicket | undefined;
  readonly #failures = new Failures();
  #rows: readonly TrackedRow[] = [];

  /** `place`: among the entries whose publications keep an order. */
  constructor(entry: ReadEntry, services: EntryServices, place?: SettlementTicket) {
    this.#entry = entry;
    this.#services = services;
    this.#place = place;
  }

  /** The entry becomes a dead letter as it is. */
  moveToDeadLetters(rejection: Rejection): Promise<EntryOutcome> {
    this.#failures.whole(rejection);
    return this.#settle([], [], NOTHING_DONE);
  }

  /** `rows`: of the ledger, those that hold the results. `written`: its log rows, where that is done already. */
  async follow(
    plan: Plan,
    results: readonly WorkResult[],
    rows: readonly TrackedRow[],
    written?: WrittenLogRows,
  ): Promise<EntryOutcome> {
    this.#rows = rows;
    try {
      if (results.some(({ kind }) => kind === 'pending')) return STAYS_PENDING;
      return await this.#runSteps(plan, results, written);
    } finally {
      if (this.#place !== undefined) this.#services.settler.leave(this.#place);
    }
  }

  async #runSteps(
    plan: Plan,
    results: readonly WorkResult[],
    written: WrittenLogRows | undefined,
  ): Promise<EntryOutcome> {
    const { failpoint, pool } = this.#services;
    if (failpoint !== undefined) await failpoint('executed');
    const effects = decideEffects(plan, results);
    this.#failures.statements(results, effects);
    const logRows = effects.logs.length === 0 ? 0 : await this.#writeLogRows(plan, effects, written);
    if (logRows === 'pending') return STAYS_PENDING;
    if (failpoint !== undefined) await failpoint('logged');
    const publications = planPublications(plan, effects, this.#services, this.#failures);
    const elsewhere = crossPoolsOf(effects, publications, pool.code);
    if (elsewhere.length > 0 && !(await this.#applyCrossPool(elsewhere, effects, publications)))
      return STAYS_PENDING;
    if (failpoint !== undefined) await failpoint('cross-pool');
    return this.#settle(
      keysOf(pool, effects),
      publications.filter((publication) => publication.pool === pool.code),
      {
        statements: results.filter(({ kind }) => kind === 'applied').length,
        logRows,
        dirtyEvents: publications.length,
      },
    );
  }

  /** How many were written. */
  async #writeLogRows(
    plan: Plan,
    { logs }: Effects,
    already: WrittenLogRows | undefined,
  ): Promise<number | 'pending'> {
    const { pushLogRow } = this.#services;
    const written = already ?? (await writeLogRows(this.#entry.identity, plan, logs, pushLogRow));
    if (written.results.some(isLeft)) return 'pending';
    this.#rows = [...new Set([...this.#rows, ...written.rows])];
    for (const { effect, result } of written.results)
      if (result.kind === 'failed') this.#failures.log(effect, result);
    return written.results.filter(({ result }) => result.kind === 'applied').length;
  }

  /** Effects in other Redis pools, each remembered there. False: one of them, or an entry before, could not be asked. */
  async #applyCrossPool(
    pools: readonly string[],
    effects: Effects,
    publications: readonly PlannedPublication[],
  ): Promise<boolean> {
    if (this.#place !== undefined && !(await this.#place.turn())) return false;
    for (const code of pools) {
      const pool = this.#services.redisPools.get(code);
      const ofPool = publications.filter((publication) => publication.pool === code);
      if (pool !== undefined && !(await this.#applyIn(code, keysOf(pool, effects), ofPool))) return false;
    }
    return true;
  }

  async #applyIn(code: string, cacheKeys: Buffer[], publications: PlannedPublication[]): Promise<boolean> {
    if (cacheKeys.length === 0 && publications.length === 0) return true;
    const { stream, id, hash } = this.#entry.identity;
    const effects = { marker: `${stream} ${id} ${hash}`, cacheKeys, publications };
    const result = await this.#services.applyCrossPool(code, effects);
    if (result === 'pending') return false;
    if (result.kind !== 'unwritable') return true;
    return this.#applyIn(code, cacheKeys, this.#withoutUnwritable(publications, result.publications));
  }

  async #settle(
    cacheKeys: Buffer[],
    publications: PlannedPublication[],
    done: Pick<EntryOutcome, 'statements' | 'logRows' | 'dirtyEvents'>,
  ): Promise<EntryOutcome> {
    const deadLetter = this.#deadLetter();
    const { stream, group } = this.#services.fenced;
    const result = await this.#services.settler.settle(
      { stream, group, id: this.#entry.identity.id, cacheKeys, publications, deadLetter },
      this.#place,
    );
    if (result === 'pending' || result.kind === 'blocked') return STAYS_PENDING;
    if (result.kind === 'unwritable') {
      const writable = this.#withoutUnwritable(publications, result.publications);
      const lost = publications.length - writable.length;
      return this.#settle(cacheKeys, writable, { ...done, dirtyEvents: done.dirtyEvents - lost });
    }
    return {
      ...done,
      isSettled: true,
      cacheKeys: cacheKeys.length,
      failed: this.#failures.count,
      isDeadLetter: deadLetter !== undefined,
      rows: this.#rows,
    };
  }

  #withoutUnwritable(
    publications: PlannedPublication[],
    unwritable: readonly number[],
  ): PlannedPublication[] {
    for (const place of unwritable) {
      const publication = publications[place];
      if (publication !== undefined)
        this.#failures.publication(publication.effect, publication.streamName, UNWRITABLE);
    }
    return publications.filter((_, place) => !unwritable.includes(place));
  }

  #deadLetter(): Settlement['deadLetter'] {
    const unapplied = this.#failures.unapplied();
    const { first, count } = this.#failures;
    if (unapplied === undefined || first === undefined) return undefined;
    const more = count > 1 ? ` (and ${count - 1} more)` : '';
    return {
      stream: deadLetterStream(this.#services.fenced.stream),
      fields: [
        ...deadLetterFields(this.#entry.entry, ASYNC_CONSUMER_GROUP),
        ['code', first.code],
        ['message', `${first.message}${more}`],
        ['failed_at', new Date().toISOString()],
        ['unapplied', JSON.stringify(unapplied)],
      ],
    };
  }
}

function isLeft({ result }: LogRowResult): boolean {
  return result.kind === 'pending';
}
