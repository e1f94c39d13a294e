import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { PeerCommand } from './candidates/peer-command.ts';
import { parseCount } from './option-values.ts';
import { WORKLOADS } from './workloads/workloads.ts';

export interface BenchOptions {
  /** Names of workloads; an empty list selects all. */
  readonly workloads: readonly string[];
  readonly runs: number;
  readonly entries: number;
  readonly json: boolean;
  readonly chart: string | undefined;
  readonly peers: readonly PeerCommand[];
}

interface CommandOptions {
  readonly runs: number;
  readonly entries: number;
  readonly json: boolean;
  readonly chart?: string;
  readonly peer: readonly PeerCommand[];
}

/** Ends the process if the arguments are invalid or ask for help. */
export function readOptions(parameters: readonly string[]): BenchOptions {
  const names = WORKLOADS.map(({ name }) => name);
  const command = new Command('npm run bench --')
    .description(
      'Measure this consumer, and compare it with its peers and with the limit program: mysql2 alone, without Redis, ' +
        'ordering or ledger.',
    )
    .addArgument(new Argument('[workloads...]', 'workloads to measure (default: all)').choices(names))
    .option('--runs <number>', 'how often each candidate runs', parseCount, 5)
    .option('--entries <number>', 'stream entries per run', parseCount, 200_000)
    .option('--json', 'print one JSON object instead of the table', false)
    .option('--chart <file>', 'write a bar chart of the rates to an SVG file')
    .addOption(
      new Option('--peer <name=command>', 'measure another consumer too; can be repeated')
        .argParser(addPeer)
        .default([], 'none'),
    )
    .addHelpText('after', PEER_HELP)
    .parse([...parameters], { from: 'user' });
  const { runs, entries, json, chart, peer } = command.opts<CommandOptions>();
  return { workloads: command.args, runs, entries, json, chart, peers: peer };
}

function addPeer(text: string, earlier: readonly PeerCommand[]): PeerCommand[] {
  const [, name, command] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || command === undefined) throw new InvalidArgumentError('Expected NAME=COMMAND.');
  return [...earlier, { name, command }];
}

const PEER_HELP = `
The command of a peer is run by the shell. The environment variable REGISTRY contains the path of BeeORM's registry,
REDIS and MYSQL contain the servers' addresses (host:port). When the command starts, the streams are filled. It must
exit once it has drained them; then its rows are checked. Peers take part in the workloads inserts, updates, mixed and
log.`;
