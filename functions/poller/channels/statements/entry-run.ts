import type { BinaryString } from '../../../../shared/binary-string.ts';
import type { StatementShape } from '../../../../shared/sql/statement-shape.ts';
import { logRowInsert } from '../../../../shared/wire/log-row.ts';
import type { TrackedRow } from '../../ledger/tracked-row.ts';
import type { EntryIdentity, WorkItem, WorkResult } from '../../ledger/work-item.ts';
import { type Done, type EntryOutcome, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { SettlementTicket } from '../../settlement/settlement-order.ts';
import type { Settled } from '../../settlement/settler.ts';
import { EntryEffects } from './entry-effects.ts';
import type { EntryServices, ReadEntry } from './entry-services.ts';
import { logRowShape } from './log-rows.ts';
import { isLogsAlone, isStatementsAlone, type Plan } from './plan.ts';

/**
 * Does what an entry asks for, from its statements to its acknowledgement. The statements are sent in this very turn, so
 * that entries keep the order in which they are run.
 */
export function runEntry(entry: ReadEntry, services: EntryServices, done: Done): void {
  const { planned } = entry;
  if (planned.ok) new EntryRun(entry, planned.plan, services, done).start();
  else done(new EntryEffects(entry, services).moveToDeadLetters(planned.rejection));
}

const NO_ROWS: TrackedRow[] = [];
const NOTHING: readonly never[] = [];

/**
 * What one entry asks of MySQL first: its statements or, where it has none, its log rows. By far the most entries ask for
 * nothing else, and all of it succeeds: such an entry is acknowledged at once; what becomes of any other is decided by
 * EntryEffects.
 */
class EntryRun {
  readonly identity: EntryIdentity;
  readonly #entry: ReadEntry;
  readonly #plan: Plan;
  readonly #services: EntryServices;
  readonly #done: Done;
  readonly #place: SettlementTicket | undefined;
  readonly #isOfLogs: boolean;
  readonly #results: WorkResult[];
  #rows: TrackedRow[] = NO_ROWS;
  #outstanding: number;

  constructor(entry: ReadEntry, plan: Plan, services: EntryServices, done: Done) {
    this.identity = entry.identity;
    this.#entry = entry;
    this.#plan = plan;
    this.#services = services;
    this.#done = done;
    this.#place = plan.dirty.length === 0 ? undefined : services.lines.enter(entitiesOf(plan));
    this.#isOfLogs = isLogsAlone(plan);
    this.#outstanding = this.#isOfLogs ? plan.logs.length : plan.statements.length;
    this.#results = new Array(this.#outstanding);
  }

  start(): void {
    const { pushStatement, pushLogRow } = this.#services;
    const { statements, logs } = this.#plan;
    if (this.#outstanding === 0) this.#executed();
    for (let place = 0; place < statements.length; place++) {
      const statement = statements[place];
      if (statement === undefined) continue;
      const { pool, sql, shape } = statement;
      pushStatement(pool, new EntryItem(this, 'q', place, sql, shape));
    }
    for (let place = 0; this.#isOfLogs && place < logs.length; place++) {
      const log = logs[place];
      if (log === undefined) continue;
      const sql = logRowInsert(log, log.id);
      pushLogRow(log.pool, new EntryItem(this, 'l', place, sql, logRowShape(log, sql)));
    }
  }

  finished(place: number, result: WorkResult, row: TrackedRow | undefined): void {
    this.#results[place] = result;
    if (row !== undefined) this.#addRow(row);
    this.#outstanding--;
    if (this.#outstanding === 0) this.#executed();
  }

  #addRow(row: TrackedRow): void {
    if (this.#rows.length === 0) this.#rows = [row];
    else if (!this.#rows.includes(row)) this.#rows.push(row);
  }

  #executed(): void {
    const { failpoint } = this.#services;
    const isAll = this.#isOfLogs || isStatementsAlone(this.#plan);
    if (!isAll || !this.#results.every(isApplied)) this.#done(this.#follow());
    else if (failpoint === undefined) this.#acknowledge();
    else void Promise.resolve(failpoint('executed')).then(() => this.#acknowledge());
  }

  #follow(): Promise<EntryOutcome> {
    const effects = new EntryEffects(this.#entry, this.#services, this.#place);
    if (!this.#isOfLogs) return effects.follow(this.#plan, this.#results, this.#rows);
    const results = this.#results.map((result, index) => {
      return { effect: { index, id: this.#plan.logs[index]?.id ?? 0n }, result };
    });
    return effects.follow(this.#plan, [], [], { results, rows: this.#rows });
  }

  #acknowledge(): void {
    const { stream, group } = this.#services.fenced;
    const settlement = {
      stream,
      group,
      id: this.identity.id,
      cacheKeys: NOTHING,
      publications: NOTHING,
      deadLetter: undefined,
    };
    this.#services.settler.add(settlement, undefined, (result) => this.#acknowledged(result));
  }

  #acknowledged(result: Settled): void {
    if (result === 'pending') {
      this.#done(STAYS_PENDING);
      return;
    }
    this.#done({
      isSettled: true,
      statements: this.#isOfLogs ? 0 : this.#results.length,
      logRows: this.#isOfLogs ? this.#results.length : 0,
      dirtyEvents: 0,
      cacheKeys: 0,
      failed: 0,
      isDeadLetter: false,
      rows: this.#rows,
    });
  }
}

/** A statement or log row on its way, which tells its entry how it ended. */
class EntryItem implements WorkItem {
  readonly entry: EntryIdentity;
  readonly sql: BinaryString;
  readonly shape: StatementShape;
  readonly #run: EntryRun;
  readonly #kind: 'q' | 'l';
  readonly #place: number;

  constructor(run: EntryRun, kind: 'q' | 'l', place: number, sql: BinaryString, shape: StatementShape) {
    this.entry = run.identity;
    this.sql = sql;
    this.shape = shape;
    this.#run = run;
    this.#kind = kind;
    this.#place = place;
  }

  get key(): string {
    return `${this.#kind}${this.#place}`;
  }

  finish(result: WorkResult, row?: TrackedRow): void {
    this.#run.finished(this.#place, result, row);
  }
}

function entitiesOf({ dirty }: Plan): ReadonlySet<string> {
  return new Set(dirty.map(({ entity }) => entity));
}

function isApplied({ kind }: WorkResult): boolean {
  return kind === 'applied';
}
