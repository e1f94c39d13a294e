import { Command } from 'commander';
import { withNextStep } from '../../shared/errors.ts';
import type {
  ChannelState,
  HandlerStatus,
  PoolStatus,
  StageFailure,
  StatusReply,
} from '../../shared/operations.ts';
import type { ProgramContext } from '../context.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import {
  addBindingsOption,
  addOutputOptions,
  type ConsumeOptions,
  type OutputOptions,
} from '../options/shared-options.ts';
import { addTargetOptions, type TargetOptions } from '../options/target-options.ts';
import { openDisplay } from '../output/display.ts';
import { formatTable, printable } from '../output/table.ts';
import { withConsumer } from '../with-consumer.ts';

type StatusOptions = OutputOptions & TargetOptions & Pick<ConsumeOptions, 'bindings'>;

/** `consumer status`: reports what can be reached, and how many entries remain. */
export function statusCommand(context: ProgramContext, onExit: (code: ExitCode) => void): Command {
  const command = new Command('status')
    .summary('report which servers can be reached, and how many entries remain')
    .description(
      'Report which servers can be reached, whether Redis would refuse what a drain does, and how many entries remain in each channel and each bound stream. Takes no lock and changes nothing.',
    );
  addOutputOptions(addBindingsOption(addTargetOptions(command)));
  command.addHelpText(
    'after',
    '\nExit code: 0, or 1 if a server cannot be reached, Redis refuses commands, or a bound function cannot be invoked.',
  );
  return command.action(async (options: StatusOptions) => {
    const { logger } = openDisplay(context.stderr, options.logLevel);
    const status = await withConsumer(context, options, logger, (consumer) => consumer.status());
    context.stdout.write(options.json ? `${JSON.stringify(status)}\n` : formatStatus(status));
    const isHealthy = [...status.pools, ...status.handlers].every(({ failure }) => failure === undefined);
    onExit(isHealthy ? EXIT_CODES.done : EXIT_CODES.error);
  });
}

function formatStatus({ pools, handlers, channels }: StatusReply): string {
  const columns = ['channel', 'pending', 'backlog', 'dead letters', 'oldest'];
  const lines = [...pools.map(formatPool), ...handlers.map(formatHandler)];
  return `${lines.join('\n')}\n\n${formatTable(columns, channels.map(formatChannel))}\n`;
}

function formatPool({ kind, pool, failure }: PoolStatus): string {
  const name = `${kind === 'redis' ? 'Redis' : 'MySQL'} pool ${pool}`;
  return failure === undefined ? `${name}: reachable` : formatFailure(name, failure);
}

function formatHandler({ channel, failure }: HandlerStatus): string {
  const name = `Function of ${channel}`;
  return failure === undefined ? `${name}: can be invoked` : formatFailure(name, failure);
}

function formatFailure(name: string, { stage, message, nextStep }: StageFailure): string {
  return printable(`${name}: failed at ${stage}: ${withNextStep(message, nextStep)}`);
}

function formatChannel({ channel, pending, backlog, deadLetters, oldestAgeSeconds }: ChannelState) {
  return [channel, pending, backlog ?? '?', deadLetters, `${Math.round(oldestAgeSeconds)} s`];
}
