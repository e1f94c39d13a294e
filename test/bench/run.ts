/** `npm run bench [-- WORKLOADS… OPTIONS]`. See `--help`. */
import { writeFileSync } from 'node:fs';
import { count } from '../../cli/output/table.ts';
import { withBench } from './bench.ts';
import { drawRates } from './chart.ts';
import { toJsonResults } from './json-results.ts';
import { describeMachine } from './machine.ts';
import { measureWorkload, type WorkloadResult } from './measure.ts';
import { readOptions } from './options.ts';
import { formatResults } from './table.ts';
import { WORKLOADS } from './workloads/workloads.ts';

const { workloads, runs, entries, json, chart, peers } = readOptions(process.argv.slice(2));
const machine = describeMachine();
const log = (line: string): void => console.error(line);

const results = await withBench({ entries, peers }, async (bench) => {
  const measured: WorkloadResult[] = [];
  for (const workload of WORKLOADS) {
    if (workloads.length > 0 && !workloads.includes(workload.name)) continue;
    measured.push(await measureWorkload(workload, bench, runs, log));
  }
  return measured;
});

if (json) console.log(JSON.stringify({ machine, runs, entries, results: toJsonResults(results) }));
else {
  const size = `Medians of ${count(runs, 'run')} of ${count(entries, 'entry', 'entries')}.`;
  console.log(`${formatResults(results)}\n${machine}\n${size}`);
}
if (chart !== undefined) writeFileSync(chart, drawRates(results, `entries/s (${machine})`));
process.exit(0);
