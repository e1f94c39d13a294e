import { startProgram } from '../child-program.ts';
import type { Load } from '../loads/load.ts';
import { secondsReport } from '../programs/seconds-report.ts';
import type { Testbed } from '../testbed.ts';
import type { Candidate } from './candidate.ts';

const LIMIT = 'limit program';

/** The best number of connections depends on the machine, so each run tries all of these and reports the best rate. */
const CONNECTIONS = [4, 6, 8];

/** Runs `programs/limit.ts` on the load's statements. */
export function limitProgram(
  testbed: Testbed,
  mysqlUri: string,
  load: Load,
  loadName: 'inserts' | 'updates',
): Candidate {
  const measureRate = async (connections: number): Promise<number> => {
    await testbed.reset(load);
    const parameters = ['--entries', String(load.entries), '--connections', String(connections)];
    const { result } = startProgram(
      { name: 'limit' },
      '--load',
      loadName,
      '--mysql',
      mysqlUri,
      ...parameters,
    );
    const { seconds } = secondsReport.parse(await result);
    await testbed.verify(load, LIMIT);
    return load.entries / seconds;
  };
  return {
    name: LIMIT,
    run: async () => {
      let best = 0;
      for (const connections of CONNECTIONS) best = Math.max(best, await measureRate(connections));
      return { rate: best };
    },
  };
}
