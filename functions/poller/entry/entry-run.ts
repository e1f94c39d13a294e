import type { BinaryString } from '../../../shared/binary-string.ts';
import type { RedisPool, StreamDefinition } from '../../../shared/registry/types.ts';
import type { StatementShape } from '../../../shared/sql/statement-shape.ts';
import { logRowInsert } from '../../../shared/wire/log-row.ts';
import { Failures } from '../dead-letters/failures.ts';
import { decideEffects, type Effects } from '../effects/effects.ts';
import type { PublicationOrder } from '../effects/publication-order.ts';
import { keysOf, otherPoolsOf, type PlannedPublication, planPublications } from '../effects/publications.ts';
import type { EntryIdentity, WorkItem, WorkResult } from '../lanes/work.ts';
import type { TrackedRow } from '../ledger/tracked-row.ts';
import type { AtPollerPoint } from '../poller-options.ts';
import type { OtherPoolEffects, OtherPoolResult } from '../redis/other-pool-effects.ts';
import type { DeadLetterFields, Settlement, SettlementResult } from '../redis/settle-script.ts';
import { type EntryOutcome, LEFT_PENDING } from './entry-outcome.ts';
import type { Plan, Planned } from './plan.ts';

/** What an entry needs of the drain that it is part of. */
export interface EntryServices {
  /** The entry's own Redis pool. */
  readonly pool: RedisPool;
  readonly redisPools: ReadonlyMap<string, RedisPool>;
  readonly streams: ReadonlyMap<string, StreamDefinition>;
  /** Sends a statement to its MySQL pool, in the order of the calls. */
  readonly pushStatement: (mysqlPool: string, item: WorkItem) => void;
  /** Sends a log row to its MySQL pool. */
  readonly pushLogRow: (mysqlPool: string, item: WorkItem) => void;
  readonly publicationOrder: PublicationOrder;
  readonly applyElsewhere: (
    redisPool: string,
    effects: OtherPoolEffects,
  ) => Promise<OtherPoolResult | 'left'>;
  readonly settle: (settlement: Settlement) => Promise<SettlementResult | 'left'>;
  readonly atPoint: AtPollerPoint | undefined;
  /** How a log row's insert is known to the ordering: appended, in no order. */
  readonly logRowShape: (sql: BinaryString) => StatementShape;
}

/** The entry as its channel read it. */
export interface ReadEntry {
  readonly identity: EntryIdentity;
  /** Stream, group and dead-letter stream, as they stand in Redis. */
  readonly stream: string;
  readonly group: string;
  readonly deadLetterStream: string;
  /** Fields of a dead letter that depend on the entry alone: first id, group, attempts. */
  readonly deadLetterFields: () => DeadLetterFields;
  readonly planned: Planned;
}

const UNWRITABLE = { code: 'WRONGTYPE', message: 'the key holds no stream that can take an entry' };

/**
 * An entry from reading to acknowledgement: statements, then log rows, then effects in other Redis pools, then all that
 * is left in one step with the acknowledgement. Each step can be repeated by a later run without being done twice.
 */
export class EntryRun {
  readonly #entry: ReadEntry;
  readonly #services: EntryServices;
  readonly #failures = new Failures();
  readonly #rows = new Set<TrackedRow>();

  constructor(entry: ReadEntry, services: EntryServices) {
    this.#entry = entry;
    this.#services = services;
  }

  /** Sends the statements in this very turn, so that entries keep the order in which they are run. */
  run(): Promise<EntryOutcome> {
    const { planned } = this.#entry;
    if (planned.ok) {
      return planned.plan.dirty.length === 0
        ? this.#runSteps(planned.plan, undefined)
        : this.#runInLine(planned.plan);
    }
    this.#failures.whole(planned.rejection);
    return this.#settle([], [], { statements: 0, logRows: 0, dirtyEvents: 0 });
  }

  async #runInLine(plan: Plan): Promise<EntryOutcome> {
    const place = this.#services.publicationOrder.enter(new Set(plan.dirty.map(({ entity }) => entity)));
    let outcome = LEFT_PENDING;
    try {
      outcome = await this.#runSteps(plan, place.turn);
      return outcome;
    } finally {
      place.leave(outcome.isSettled);
    }
  }

  /** `turn`: when the entry may publish, if it does. */
  async #runSteps(plan: Plan, turn: Promise<boolean> | undefined): Promise<EntryOutcome> {
    const { atPoint, pool } = this.#services;
    const results = await this.#executeStatements(plan);
    if (results.some(isLeft)) return LEFT_PENDING;
    if (atPoint !== undefined) await atPoint('executed');
    const effects = decideEffects(plan, results);
    this.#failures.statements(results, effects);
    const logRows = effects.logs.length === 0 ? 0 : await this.#writeLogRows(plan, effects);
    if (logRows === 'left' || (turn !== undefined && !(await turn))) return LEFT_PENDING;
    if (atPoint !== undefined) await atPoint('logged');
    const publications = planPublications(plan, effects, this.#services, this.#failures);
    const elsewhere = otherPoolsOf(effects, publications, pool.code);
    if (elsewhere.length > 0 && !(await this.#applyElsewhere(elsewhere, effects, publications))) {
      return LEFT_PENDING;
    }
    if (atPoint !== undefined) await atPoint('elsewhere');
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

  #executeStatements({ statements }: Plan): Promise<WorkResult[]> {
    const [only] = statements;
    if (only !== undefined && statements.length === 1) {
      const { pool, sql, shape } = only;
      return this.#execute(this.#services.pushStatement, pool, 'q0', sql, shape).then((result) => [result]);
    }
    return Promise.all(
      statements.map(({ pool, sql, shape }, index) =>
        this.#execute(this.#services.pushStatement, pool, `q${index}`, sql, shape),
      ),
    );
  }

  /** How many were written. */
  async #writeLogRows(plan: Plan, effects: Effects): Promise<number | 'left'> {
    const results = await Promise.all(
      effects.logs.map(({ index, id }) => {
        const log = plan.logs[index];
        if (log === undefined) return Promise.resolve<WorkResult>({ kind: 'left' });
        const sql = logRowInsert(log, id);
        const shape = this.#services.logRowShape(sql);
        return this.#execute(this.#services.pushLogRow, log.pool, `l${index}`, sql, shape);
      }),
    );
    if (results.some(isLeft)) return 'left';
    for (const [place, result] of results.entries()) {
      const effect = effects.logs[place];
      if (result.kind === 'failed' && effect !== undefined) this.#failures.log(effect, result);
    }
    return results.filter(({ kind }) => kind === 'applied').length;
  }

  #execute(
    push: EntryServices['pushStatement'],
    pool: string,
    key: string,
    sql: BinaryString,
    shape: StatementShape,
  ): Promise<WorkResult> {
    return new Promise((resolve) => {
      const finish = (result: WorkResult, row?: TrackedRow) => {
        if (row !== undefined) this.#rows.add(row);
        resolve(result);
      };
      push(pool, { entry: this.#entry.identity, key, sql, shape, finish });
    });
  }

  /** Effects in other Redis pools, each remembered there. False: one of them could not be asked. */
  async #applyElsewhere(
    pools: readonly string[],
    effects: Effects,
    publications: readonly PlannedPublication[],
  ): Promise<boolean> {
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
    const result = await this.#services.applyElsewhere(code, effects);
    if (result === 'left') return false;
    if (result.kind !== 'unwritable') return true;
    return this.#applyIn(code, cacheKeys, this.#withoutUnwritable(publications, result.publications));
  }

  async #settle(
    cacheKeys: Buffer[],
    publications: PlannedPublication[],
    done: Pick<EntryOutcome, 'statements' | 'logRows' | 'dirtyEvents'>,
  ): Promise<EntryOutcome> {
    const deadLetter = this.#deadLetter();
    const result = await this.#services.settle({
      stream: this.#entry.stream,
      group: this.#entry.group,
      id: this.#entry.identity.id,
      cacheKeys,
      publications,
      deadLetter,
    });
    if (result === 'left' || result.kind === 'blocked') return LEFT_PENDING;
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
      if (publication !== undefined) {
        this.#failures.publication(publication.effect, publication.streamName, UNWRITABLE);
      }
    }
    return publications.filter((_, place) => !unwritable.includes(place));
  }

  #deadLetter(): Settlement['deadLetter'] {
    const unapplied = this.#failures.unapplied();
    const { first, count } = this.#failures;
    if (unapplied === undefined || first === undefined) return undefined;
    const more = count > 1 ? ` (and ${count - 1} more)` : '';
    return {
      stream: this.#entry.deadLetterStream,
      fields: [
        ...this.#entry.deadLetterFields(),
        ['code', first.code],
        ['message', `${first.message}${more}`],
        ['failed_at', new Date().toISOString()],
        ['unapplied', JSON.stringify(unapplied)],
      ],
    };
  }
}

function isLeft(result: WorkResult): boolean {
  return result.kind === 'left';
}
