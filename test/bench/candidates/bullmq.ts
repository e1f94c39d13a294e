import { startProgram } from '../child-program.ts';
import type { Load } from '../loads/load.ts';
import { secondsReport } from '../programs/seconds-report.ts';
import type { Testbed } from '../testbed.ts';
import type { Candidate } from './candidate.ts';

const BULLMQ = 'BullMQ';

export interface PeerServers {
  readonly testbed: Testbed;
  /** `host:port`. */
  readonly redisAddress: string;
  /** `mysql://user:password@host:port/database`. */
  readonly mysqlUri: string;
}

/** Runs `programs/bullmq.ts` on the load's statements. */
export function bullmq(
  { testbed, redisAddress, mysqlUri }: PeerServers,
  load: Load,
  loadName: 'inserts' | 'updates',
): Candidate {
  return {
    name: BULLMQ,
    run: async () => {
      await testbed.reset(load);
      const servers = ['--redis', redisAddress, '--mysql', mysqlUri];
      const parameters = ['--load', loadName, '--entries', String(load.entries)];
      const { result } = startProgram({ name: 'bullmq' }, ...parameters, ...servers);
      const { seconds } = secondsReport.parse(await result);
      await testbed.verify(load, BULLMQ);
      return { rate: load.entries / seconds };
    },
  };
}
