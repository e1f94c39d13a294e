import { type Done, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { SettlementTicket } from '../../settlement/settlement-order.ts';
import type { SettlerResult } from '../../settlement/settler.ts';
import { EntryEffects } from './entry-effects.ts';
import type { EntryServices, ReadEntry } from './entry-services.ts';
import { type ItemPhase, runLogRows, runStatements } from './item-phase.ts';
import { isLogsAlone, isStatementsAlone, type Plan } from './plan.ts';
import { setAside, takeTicket } from './set-aside.ts';

/**
 * Does what an entry asks for, from its statements to its acknowledgement. Its statements are pushed before this returns,
 * so that statements are pushed in the order of their entries.
 */
export function runEntry(entry: ReadEntry, services: EntryServices, done: Done): void {
  const { planned } = entry;
  if (planned.ok) new EntryRun(entry, planned.plan, services, done).start();
  else done(setAside(entry, planned, services));
}

const NOTHING: readonly never[] = [];

/**
 * The first phase of an entry: its statements or, if it has nothing else, its log rows. Nearly all entries ask for no
 * more, and all of it succeeds: such an entry is acknowledged at once. EntryEffects decides about any other.
 */
class EntryRun {
  readonly #entry: ReadEntry;
  readonly #plan: Plan;
  readonly #services: EntryServices;
  readonly #done: Done;
  readonly #ticket: SettlementTicket | undefined;

  constructor(entry: ReadEntry, plan: Plan, services: EntryServices, done: Done) {
    this.#entry = entry;
    this.#plan = plan;
    this.#services = services;
    this.#done = done;
    this.#ticket = takeTicket(plan, services);
  }

  start(): void {
    const { identity } = this.#entry;
    const { pushStatement, pushLogRow } = this.#services;
    if (!isLogsAlone(this.#plan)) {
      runStatements(identity, this.#plan.statements, pushStatement, (phase) => this.#executed(phase));
      return;
    }
    const effects = this.#plan.logs.map(({ id }, index) => ({ index, id }));
    runLogRows(identity, this.#plan, effects, pushLogRow, (phase) => this.#logged(phase, effects));
  }

  #executed(statements: ItemPhase): void {
    if (isStatementsAlone(this.#plan) && statements.isApplied) {
      this.#passFailpoint(() =>
        this.#acknowledge(statements, { statements: statements.results.length, logRows: 0 }),
      );
      return;
    }
    const effects = new EntryEffects(this.#entry, this.#services, this.#ticket);
    this.#done(effects.followStatements(this.#plan, statements));
  }

  #logged(logRows: ItemPhase, effects: Parameters<typeof runLogRows>[2]): void {
    if (logRows.isApplied) {
      this.#passFailpoint(() =>
        this.#acknowledge(logRows, { statements: 0, logRows: logRows.results.length }),
      );
      return;
    }
    const followUp = new EntryEffects(this.#entry, this.#services, this.#ticket);
    this.#done(followUp.followLogRows(effects, logRows));
  }

  /** Creates no promise in production, where thousands of entries are in progress. */
  #passFailpoint(proceed: () => void): void {
    const { failpoint } = this.#services;
    if (failpoint === undefined) proceed();
    else void Promise.resolve(failpoint('executed')).then(proceed);
  }

  #acknowledge(phase: ItemPhase, counts: { readonly statements: number; readonly logRows: number }): void {
    const { stream, group } = this.#services.fenced;
    const { id } = this.#entry.identity;
    const settlement = {
      stream,
      group,
      id,
      cacheKeys: NOTHING,
      publications: NOTHING,
      deadLetter: undefined,
    };
    this.#services.settler.add(settlement, undefined, (result) => this.#acknowledged(result, phase, counts));
  }

  #acknowledged(
    { kind }: SettlerResult,
    { rows }: ItemPhase,
    { statements, logRows }: { readonly statements: number; readonly logRows: number },
  ): void {
    if (kind !== 'settled') {
      this.#done(STAYS_PENDING);
      return;
    }
    for (const row of rows) row.entrySettled();
    this.#done({
      isSettled: true,
      statements,
      logRows,
      dirtyEvents: 0,
      cacheKeys: 0,
      failed: 0,
      isDeadLetter: false,
    });
  }
}
