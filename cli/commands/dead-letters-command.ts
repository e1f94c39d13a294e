import { Command } from 'commander';
import type { DeadLetter, DeadLetterFilter, DeadLetterOperations } from '../../shared/dead-letter.ts';
import { ConfigurationError } from '../../shared/errors.ts';
import type { Registry } from '../../shared/registry/registry.ts';
import type { ProgramContext } from '../context.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import {
  addSelectionOptions,
  explicitFilterOf,
  filterOf,
  type SelectionOptions,
} from '../options/dead-letter-options.ts';
import { addOutputOptions, type OutputOptions } from '../options/shared-options.ts';
import { addTargetOptions, type TargetOptions } from '../options/target-options.ts';
import { writeDeadLetter, writeDeadLetters } from '../output/dead-letter-output.ts';
import { openDisplay } from '../output/display.ts';
import { count } from '../output/table.ts';
import { withConsumer } from '../with-consumer.ts';

type Options = OutputOptions & TargetOptions & SelectionOptions;
type Operation = (operations: DeadLetterOperations, options: Options, registry?: Registry) => Promise<void>;

/** `consumer dead-letters list|show|redrive|discard`. */
export function deadLettersCommand(context: ProgramContext, onExit: (code: ExitCode) => void): Command {
  const { stdout } = context;
  const list: Operation = (operations, options, registry) =>
    writeDeadLetters(stdout, operations.list(filterOf(options, registry)), options.json);
  const show: Operation = async (operations, options, registry) =>
    writeDeadLetter(stdout, await findOne(operations, filterOf(options, registry)), options.json);
  const redrive: Operation = async (operations, options, registry) => {
    const result = await operations.redrive(explicitFilterOf(options, registry));
    const { redriven, refused = 0 } = result;
    if (redriven === 0 && refused > 0) throw nothingToRedrive(refused);
    requireFound(redriven, options);
    const note = refused === 0 ? '' : ` ${nothingToRedrive(refused).message}.`;
    stdout.write(
      options.json ? `${JSON.stringify(result)}\n` : `${count(redriven, 'dead letter')} redriven.${note}\n`,
    );
  };
  const discard: Operation = async (operations, options, registry) => {
    const { discarded } = await operations.discard(explicitFilterOf(options, registry));
    requireFound(discarded, options);
    stdout.write(
      options.json ? `${JSON.stringify({ discarded })}\n` : `${count(discarded, 'dead letter')} discarded.\n`,
    );
  };
  const subcommand = (name: string, description: string, operation: Operation): Command =>
    addOutputOptions(
      addTargetOptions(addSelectionOptions(new Command(name).description(description))),
    ).action(async (options: Options) => {
      const { logger } = openDisplay(context.stderr, options.logLevel);
      await withConsumer(context, options, logger, ({ deadLetters }, registry) =>
        operation(deadLetters, options, registry),
      );
      onExit(EXIT_CODES.done);
    });
  return new Command('dead-letters')
    .summary('list, show, redrive or discard entries that could not be applied')
    .description(
      "Entries that cannot be applied are moved to <stream>:dead-letters in the stream's Redis pool.",
    )
    .addCommand(subcommand('list', 'List all dead letters, or only the selected ones.', list))
    .addCommand(subcommand('show', 'Show one dead letter in full, selected by --id.', show))
    .addCommand(
      subcommand(
        'redrive',
        'Append the selected dead letters to their streams again, with only their remaining work.',
        redrive,
      ),
    )
    .addCommand(subcommand('discard', 'Delete the selected dead letters permanently.', discard));
}

async function findOne(operations: DeadLetterOperations, filter: DeadLetterFilter): Promise<DeadLetter> {
  if (filter.id === undefined) {
    throw new ConfigurationError('missing-option', 'no dead letter is selected', {
      nextStep: 'Specify its --id, as shown by `dead-letters list`.',
    });
  }
  const found: DeadLetter[] = [];
  for await (const deadLetter of operations.list(filter)) found.push(deadLetter);
  const [first] = found;
  requireFound(found.length, filter);
  if (first === undefined || found.length > 1) {
    throw new ConfigurationError(
      'ambiguous-id',
      `several streams have a dead letter with the id ${filter.id}`,
      {
        nextStep: `Specify --stream as well: ${found.map(({ stream }) => stream).join(' or ')}.`,
      },
    );
  }
  return first;
}

function nothingToRedrive(refused: number): ConfigurationError {
  const message = `${count(refused, 'dead letter')} with nothing to redrive: the original entry was deleted from its stream while it was pending`;
  return new ConfigurationError('nothing-to-redrive', message, {
    nextStep: 'Discard what you do not need: `dead-letters discard --code deleted-entry`.',
  });
}

/** An id without a match is an error; any other selection may be empty. */
function requireFound(count: number, { id }: DeadLetterFilter): void {
  if (count === 0 && id !== undefined) {
    throw new ConfigurationError(
      'unknown-dead-letter',
      `none of the selected dead letters has the id ${id}`,
      {
        nextStep: 'Run `dead-letters list` to see the ids.',
      },
    );
  }
}
