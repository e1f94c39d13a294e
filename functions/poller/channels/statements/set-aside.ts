import type { WorkItem, WorkResult } from '../../ledger/work-item.ts';
import type { EntryOutcome } from '../../settlement/entry-outcome.ts';
import type { SettlementTicket } from '../../settlement/settlement-order.ts';
import { EntryEffects } from './entry-effects.ts';
import type { EntryServices, ReadEntry } from './entry-services.ts';
import { type ItemPhase, runLogRows, runStatements } from './item-phase.ts';
import type { Plan, RejectedPlan } from './plan.ts';

/**
 * Moves a rejected entry to the dead letters. An earlier drain may have applied a part of it, under another registry or
 * other settings, or before it was killed. So each statement and log row is looked up first, but never run. What was
 * applied counts as applied and takes effect; everything else is the remaining work. Redriving the whole entry would apply
 * that part twice.
 */
export function setAside(
  entry: ReadEntry,
  { rejection, content }: RejectedPlan,
  services: EntryServices,
): Promise<EntryOutcome> {
  if (content === undefined) return new EntryEffects(entry, services).moveToDeadLetters(rejection);
  const otherwise: WorkResult = { kind: 'failed', ...rejection };
  const ask = (pool: string, item: WorkItem): void => services.lookUp(pool, item, otherwise);
  const effects = new EntryEffects(entry, { ...services, pushLogRow: ask }, takeTicket(content, services));
  return lookUpAll(entry, content, ask).then(([statements, logRows]) => {
    const phases = [statements, logRows];
    if (phases.some(({ isPending }) => isPending)) return effects.stayPending();
    const isAnyApplied = phases.some(({ results }) => results.some(({ kind }) => kind === 'applied'));
    if (isAnyApplied) return effects.followStatements(content, statements);
    return effects.moveToDeadLetters(rejection, phases);
  });
}

/** For an entry whose publications must keep an order. */
export function takeTicket({ dirty }: Plan, { order }: EntryServices): SettlementTicket | undefined {
  return dirty.length === 0 ? undefined : order.takeTicket(new Set(dirty.map(({ entity }) => entity)));
}

function lookUpAll(
  { identity }: ReadEntry,
  plan: Plan,
  ask: EntryServices['pushStatement'],
): Promise<[statements: ItemPhase, logRows: ItemPhase]> {
  const logRows = plan.logs.map(({ id }, index) => ({ index, id }));
  return Promise.all([
    new Promise<ItemPhase>((resolve) => runStatements(identity, plan.statements, ask, resolve)),
    new Promise<ItemPhase>((resolve) => runLogRows(identity, plan, logRows, ask, resolve)),
  ]);
}
