/** `npm run profile [-- OPTIONS]`. See `--help`. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Command, Option } from 'commander';
import { count, formatTable } from '../../cli/output/table.ts';
import { withBench } from './bench.ts';
import { startProgram } from './child-program.ts';
import { inserts } from './loads/inserts.ts';
import type { Load } from './loads/load.ts';
import { logs } from './loads/logs.ts';
import { mixed } from './loads/mixed.ts';
import { updates } from './loads/updates.ts';
import { describeMachine } from './machine.ts';
import { parseCount } from './option-values.ts';
import { type ConsumerReport, consumerReport, EXECUTOR_NAMES } from './programs/consumer-parameters.ts';
import { timeByConcern } from './time-by-concern.ts';

const LOADS: Readonly<Record<string, (entries: number) => Load>> = { inserts, updates, mixed, logs };

interface ProfileOptions {
  readonly load: string;
  readonly entries: number;
  readonly executor: string;
  readonly json: boolean;
}

const options = new Command('npm run profile --')
  .description("Drain a load under V8's profiler, and report where the process spends its time.")
  .addOption(new Option('--load <name>', 'load to drain').choices(Object.keys(LOADS)).default('inserts'))
  .option('--entries <number>', 'number of stream entries', parseCount, 200_000)
  .addOption(new Option('--executor <name>', 'executor to use').choices([...EXECUTOR_NAMES]).default('mysql'))
  .option('--json', 'print one JSON object', false)
  .parse()
  .opts<ProfileOptions>();

const { report, concerns } = await withBench({ entries: options.entries, peers: [] }, async (bench) => {
  await bench.testbed.fill((LOADS[options.load] ?? inserts)(options.entries));
  return drainProfiled(bench.servers.registryFile, options.executor);
});

const microseconds = (total: number): number => total / report.entries;
if (options.json) {
  const perEntry = Object.fromEntries([...concerns].map(([name, total]) => [name, microseconds(total)]));
  console.log(JSON.stringify({ machine: describeMachine(), ...report, perEntry }));
} else {
  const rows = [...concerns]
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, total]) => [name, `${microseconds(total).toFixed(1)} µs`]);
  console.log(formatTable(['concern', 'time per entry'], rows));
  const rate = Math.round(report.entries / report.seconds);
  console.log(
    `${count(report.entries, 'entry', 'entries')} at ${rate}/s, including the overhead of the profiler.`,
  );
  console.log(describeMachine());
}
process.exit(0);

async function drainProfiled(
  registryFile: string,
  executor: string,
): Promise<{ report: ConsumerReport; concerns: ReadonlyMap<string, number> }> {
  const directory = await mkdtemp(`${tmpdir()}/background-consumer-profile-`);
  try {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${directory}`];
    const parameters = ['--registry', registryFile, '--executor', executor];
    const { result } = startProgram({ name: 'consumer', flags }, ...parameters);
    const report = consumerReport.parse(await result);
    const [file = ''] = await readdir(directory);
    return { report, concerns: timeByConcern(await readFile(`${directory}/${file}`, 'utf8')) };
  } finally {
    await rm(directory, { recursive: true });
  }
}
