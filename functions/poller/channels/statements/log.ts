import { LOG_STREAM } from '../../../../shared/registry/beeorm-names.ts';
import { decodeLogValue, encodeLogValue } from '../../../../shared/wire/log-value.ts';
import { reject } from '../../settlement/rejection.ts';
import { NOTHING_TO_DO, type Plan, type Planned } from './plan.ts';
import type { StatementSource } from './statement-channel.ts';

/** Log rows of changes that the application made itself. */
export const logSource: StatementSource = {
  name: 'log',
  stream: LOG_STREAM,
  laneKind: 'logRows',

  plan(body, rules): Planned {
    if (body === undefined) return reject('undecodable', 'the entry has no field s');
    const decoded = decodeLogValue(body);
    if (!decoded.ok) return reject('undecodable', decoded.error.message);
    const { log } = decoded;
    const plan = { ...NOTHING_TO_DO, logs: [log] };
    if (rules.mysqlPools.has(log.pool)) return { ok: true, plan };
    return { ...reject('unknown-pool', `the registry has no MySQL pool '${log.pool}'`), content: plan };
  },

  encode(plan: Plan): Buffer {
    const [log] = plan.logs;
    return log === undefined ? Buffer.alloc(0) : encodeLogValue(log);
  },
};
