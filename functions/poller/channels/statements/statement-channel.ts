import { hash } from 'node:crypto';
import { ASYNC_CONSUMER_GROUP } from '../../../../shared/registry/beeorm-names.ts';
import type { LaneKind } from '../../lanes/mysql-pools.ts';
import type { EntryIdentity } from '../../ledger/work-item.ts';
import { fieldValue, isNamed, type StreamEntry, withoutBody } from '../../redis/stream-entry.ts';
import { isForAnotherGroup } from '../../settlement/dead-letter-entry.ts';
import { isUnreadable, rejectUntried } from '../../settlement/poison.ts';
import { SettlementOrder } from '../../settlement/settlement-order.ts';
import type { Channel, ChannelContext } from '../channel.ts';
import { runEntry } from './entry-run.ts';
import type { EntryServices } from './entry-services.ts';
import { NOTHING_TO_DO, type Plan, type Planned, type PlanRules } from './plan.ts';

/** A kind of entry that becomes MySQL statements and what follows from them. */
export interface StatementSource {
  /** The channel's name in summaries. */
  readonly name: string;
  readonly stream: string;
  /** The lanes that run most of its work. */
  readonly laneKind: LaneKind;
  /** Never throws: an entry that cannot be applied is rejected in the result. */
  plan(body: Buffer | undefined, rules: PlanRules): Planned;
  /**
   * The entry's body with only the given parts of its plan: the remaining work. BeeORM's own consumer handles such an
   * entry correctly too.
   */
  encode(plan: Plan): Buffer;
}

/** Executes the entries of a source through the ledger. `allowedStatements`: verbs in upper case. */
export function statementChannel(source: StatementSource, allowedStatements: ReadonlySet<string>): Channel {
  return {
    name: source.name,
    stream: source.stream,
    group: ASYNC_CONSUMER_GROUP,
    open(context) {
      const services = entryServices(context);
      const { ledgerName, registry } = context;
      const { mysqlPools, redisPools } = registry;
      const rules = { mysqlPools, redisPools, allowedStatements };
      return {
        isSaturated: () => context.mysql.isSaturated(source.laneKind),
        process: (entry, done) => {
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
  const untried = rejectUntried(entry);
  if (untried !== undefined && isUnreadable(entry)) return untried;
  const planned = source.plan(fieldValue(entry, 's'), rules);
  if (untried === undefined) return planned;
  const content = planned.ok ? planned.plan : planned.content;
  return content === undefined ? untried : { ...untried, content };
}

function entryServices(context: ChannelContext): EntryServices {
  const { fenced, pool, registry, mysql, crossPool, settler, failpoint } = context;
  return {
    fenced,
    pool,
    redisPools: registry.redisPools,
    streams: registry.streams,
    pushStatement: mysql.pushStatement,
    pushLogRow: mysql.pushLogRow,
    lookUp: (code, item, otherwise) => {
      if (registry.mysqlPools.has(code)) mysql.lookUp(code, item, otherwise);
      else item.finish(otherwise);
    },
    order: new SettlementOrder(),
    crossPool,
    settler,
    failpoint,
  };
}

const HASH_BYTES = 8;

/** `stream`: Redis pool and stream, as the ledger names them. */
function identify(stream: string, { id, fields = [] }: StreamEntry): EntryIdentity {
  const [only] = fields;
  // Nearly all entries have a body and nothing else.
  if (only !== undefined && fields.length === 1 && isNamed(only[0], 's'))
    return { stream, id, hash: hash('sha1', only[1], 'hex').slice(0, 2 * HASH_BYTES) };
  const lengths = fields.flat().map(({ length }) => length);
  const content = Buffer.concat([Buffer.from(lengths.join(' ')), ...fields.flat()]);
  return { stream, id, hash: hash('sha1', content, 'hex').slice(0, 2 * HASH_BYTES) };
}
