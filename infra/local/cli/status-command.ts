import { Command } from 'commander';
import type { ChannelState, PoolStatus, StatusReply } from '../../../shared/operations.ts';
import type { ProgramContext } from './context.ts';
import { openDisplay } from './display.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { withConsumer } from './session.ts';
import { addOutputOptions, type OutputOptions } from './shared-options.ts';
import { formatTable, printable } from './table.ts';
import { addTargetOptions, type TargetOptions } from './target-options.ts';

/** `consumer status`: what can be reached, and how much is left. */
export function statusCommand(context: ProgramContext, onExit: (code: ExitCode) => void): Command {
  const command = new Command('status')
    .summary('tell which servers answer, and how much is left')
    .description(
      'Tell which servers answer, and how much is left in each channel. Takes no lock, changes nothing.',
    );
  addOutputOptions(addTargetOptions(command));
  command.addHelpText('after', '\nExit code: 0, or 1 where a server does not answer.');
  return command.action(async (options: OutputOptions & TargetOptions) => {
    const { logger } = openDisplay(context.stderr, options.logLevel);
    const status = await withConsumer(context, options, logger, (consumer) => consumer.status());
    context.stdout.write(options.json ? `${JSON.stringify(status)}\n` : formatStatus(status));
    const isWell = status.pools.every(({ failure }) => failure === undefined);
    onExit(isWell ? EXIT_CODES.done : EXIT_CODES.error);
  });
}

function formatStatus({ pools, channels }: StatusReply): string {
  const columns = ['channel', 'pending', 'backlog', 'dead letters', 'oldest'];
  return `${pools.map(formatPool).join('\n')}\n\n${formatTable(columns, channels.map(formatChannel))}\n`;
}

function formatPool({ kind, pool, failure }: PoolStatus): string {
  const name = `${kind === 'redis' ? 'Redis' : 'MySQL'} pool ${pool}`;
  if (failure === undefined) return `${name}: answers`;
  const { hop, message, nextStep } = failure;
  return printable(`${name}: fails at ${hop}: ${[message, nextStep].filter(Boolean).join('. ')}`);
}

function formatChannel({ channel, pending, backlog, deadLetters, oldestAgeSeconds }: ChannelState) {
  return [channel, pending, backlog ?? '?', deadLetters, `${Math.round(oldestAgeSeconds)} s`];
}
