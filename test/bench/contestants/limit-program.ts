import { startProgram } from '../child-program.ts';
import type { Load } from '../loads/load.ts';
import { secondsReport } from '../programs/seconds-report.ts';
import type { Stage } from '../stage.ts';
import type { Contestant } from './contestant.ts';

const LIMIT = 'limit program';

/** Which number of connections suits best depends on the machine: each turn tries all, and the best one counts. */
const CONNECTIONS = [4, 6, 8];

/** `programs/limit.ts` on the load's statements. */
export function limitProgram(
  stage: Stage,
  mysqlUri: string,
  load: Load,
  loadName: 'inserts' | 'updates',
): Contestant {
  const attempt = async (connections: number): Promise<number> => {
    await stage.clear(load);
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
    await stage.check(load, LIMIT);
    return load.entries / seconds;
  };
  return {
    name: LIMIT,
    turn: async () => {
      let best = 0;
      for (const connections of CONNECTIONS) best = Math.max(best, await attempt(connections));
      return { rate: best };
    },
  };
}
