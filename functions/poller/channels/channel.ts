import type { Plan, Planned, PlanRules } from '../plan.ts';

/** A kind of stream that becomes MySQL statements and what follows from them. */
export interface Channel {
  /** As it stands in summaries. */
  readonly name: string;
  readonly stream: string;
  /** Never throws; what can't be done is a rejection. */
  plan(body: Buffer | undefined, rules: PlanRules): Planned;
  /**
   * The entry's body with only what is left to do: the given parts of the plan. BeeORM's own consumer may meet it, and
   * does the right thing with it.
   */
  encode(plan: Plan): Buffer;
}
