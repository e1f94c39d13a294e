import { ASYNC_CONSUMER_GROUP } from '../../../../shared/registry/beeorm-names.ts';
import { isForAnotherGroup } from '../../dead-letters/dead-letter-fields.ts';
import { identify } from '../../entry/entry-identity.ts';
import type { LaneKind } from '../../lanes/mysql-pools.ts';
import { fieldValue, type StreamEntry, withoutBody } from '../../redis/stream-reads.ts';
import { judgeDelivery } from '../../settlement/poison.ts';
import { SettlementOrder } from '../../settlement/settlement-order.ts';
import type { Channel, ChannelContext } from '../channel.ts';
import { runEntry } from './entry-run.ts';
import type { EntryServices } from './entry-services.ts';
import { NOTHING_TO_DO, type Plan, type Planned, type PlanRules } from './plan.ts';

/** A kind of entry that becomes MySQL statements and what follows from them. */
export interface StatementSource {
  /** As it stands in summaries. */
  readonly name: string;
  readonly stream: string;
  /** What most of the work of its entries is. */
  readonly laneKind: LaneKind;
  /** Never throws; what can't be done is a rejection. */
  plan(body: Buffer | undefined, rules: PlanRules): Planned;
  /**
   * The entry's body with only what is left to do: the given parts of the plan. BeeORM's own consumer may meet it, and
   * does the right thing with it.
   */
  encode(plan: Plan): Buffer;
}

/** Executes what the entries of a source ask for, through the ledger. */
export function statementChannel(source: StatementSource): Channel {
  return {
    name: source.name,
    stream: source.stream,
    group: ASYNC_CONSUMER_GROUP,
    open(context) {
      const services = entryServices(context);
      const { ledgerName, registry, allowedStatements } = context;
      const { mysqlPools, redisPools } = registry;
      const rules = { mysqlPools, redisPools, allowedStatements };
      return {
        isSaturated: () => context.mysql.isSaturated(source.laneKind),
        handle: (entry, done) => {
          const identity = identify(ledgerName, entry);
          const planned = planOf(source, entry, rules);
          runEntry({ entry: withoutBody(entry), identity, planned }, services, done);
        },
      };
    },
  };
}

function planOf(source: StatementSource, entry: StreamEntry, rules: PlanRules): Planned {
  if (isForAnotherGroup(entry, ASYNC_CONSUMER_GROUP)) return { ok: true, plan: NOTHING_TO_DO };
  return judgeDelivery(entry) ?? source.plan(fieldValue(entry, 's'), rules);
}

function entryServices(context: ChannelContext): EntryServices {
  const { fenced, pool, registry, mysql, others, settler, failpoint } = context;
  return {
    fenced,
    pool,
    redisPools: registry.redisPools,
    streams: registry.streams,
    pushStatement: mysql.pushStatement,
    pushLogRow: mysql.pushLogRow,
    lines: new SettlementOrder(),
    applyCrossPool: (code, effects) => others.apply(code, effects),
    settler,
    failpoint,
  };
}
