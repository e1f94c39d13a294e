import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { PeerCommand } from './candidates/peer-command.ts';
import { WORKLOADS } from './workloads/workloads.ts';

export interface BenchOptions {
  /** Names; all where none is given. */
  readonly workloads: readonly string[];
  readonly runs: number;
  readonly entries: number;
  readonly json: boolean;
  readonly chart: string | undefined;
  readonly peers: readonly PeerCommand[];
}

/** Ends the process where the arguments are wrong, or ask for help. */
export function readOptions(parameters: readonly string[]): BenchOptions {
  const names = WORKLOADS.map(({ name }) => name);
  const command = new Command('npm run bench --')
    .description('Measure this consumer against the limit of mysql2 alone and against its peers.')
    .addArgument(new Argument('[workloads...]', 'which ones (default: all)').choices(names))
    .option('--runs <number>', 'turns of each contestant, in rounds', positiveInteger, 5)
    .option('--entries <number>', 'stream entries in a turn', positiveInteger, 200_000)
    .option('--json', 'write one JSON object instead of the table', false)
    .option('--chart <file>', 'write a bar chart of the rates as SVG')
    .addOption(
      new Option('--peer <name=command>', 'measure another consumer as well; may be repeated')
        .argParser(addPeer)
        .default([]),
    )
    .addHelpText('after', PEER_HELP)
    .parse([...parameters], { from: 'user' });
  const { peer, ...options } = command.opts<
    Omit<BenchOptions, 'workloads' | 'peers'> & { peer: PeerCommand[] }
  >();
  return { ...options, chart: options.chart, peers: peer, workloads: command.args };
}

function positiveInteger(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('Expected a number from 1 on.');
  return number;
}

function addPeer(text: string, earlier: readonly PeerCommand[]): PeerCommand[] {
  const [, name, command] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || command === undefined) throw new InvalidArgumentError('Expected NAME=COMMAND.');
  return [...earlier, { name, command }];
}

const PEER_HELP = `
A peer's command is run by the shell, with the path of BeeORM's registry in REGISTRY and the servers' addresses
(host:port) in REDIS and MYSQL. It finds the streams loaded, and exits once they are drained; that its rows are there is
checked then. It takes part in inserts, updates, mixed and log.`;
