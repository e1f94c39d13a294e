import { startProgram } from '../child-program.ts';
import type { Load } from '../loads/load.ts';
import { secondsReport } from '../programs/seconds-report.ts';
import type { Stage } from '../stage.ts';
import type { Contestant } from './contestant.ts';

const BULLMQ = 'BullMQ';

export interface PeerServers {
  readonly stage: Stage;
  /** `host:port`. */
  readonly redis: string;
  /** `mysql://user:password@host:port/database`. */
  readonly mysqlUri: string;
}

/** `programs/bullmq.ts` on the load's statements. */
export function bullmq(place: PeerServers, load: Load, loadName: 'inserts' | 'updates'): Contestant {
  return {
    name: BULLMQ,
    turn: async () => {
      await place.stage.clear(load);
      const servers = ['--redis', place.redis, '--mysql', place.mysqlUri];
      const parameters = ['--load', loadName, '--entries', String(load.entries)];
      const { result } = startProgram({ name: 'bullmq' }, ...parameters, ...servers);
      const { seconds } = secondsReport.parse(await result);
      await place.stage.check(load, BULLMQ);
      return { rate: load.entries / seconds };
    },
  };
}
