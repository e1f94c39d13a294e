import { Command } from 'commander';
import type { DeadLetter, DeadLetterFilter, DeadLetterOperations } from '../../shared/dead-letter.ts';
import { ConfigurationError } from '../../shared/errors.ts';
import type { Registry } from '../../shared/registry/registry.ts';
import type { ProgramContext } from '../context.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import {
  addChoiceOptions,
  type ChoiceOptions,
  explicitFilterOf,
  filterOf,
} from '../options/dead-letter-options.ts';
import { addOutputOptions, type OutputOptions } from '../options/shared-options.ts';
import { addTargetOptions, type TargetOptions } from '../options/target-options.ts';
import { writeDeadLetter, writeDeadLetters } from '../output/dead-letter-output.ts';
import { openDisplay } from '../output/display.ts';
import { count } from '../output/table.ts';
import { withConsumer } from '../with-consumer.ts';

type Options = OutputOptions & TargetOptions & ChoiceOptions;
type Work = (operations: DeadLetterOperations, options: Options, registry?: Registry) => Promise<void>;

/** `consumer dead-letters list|show|redrive|discard`. */
export function deadLettersCommand(context: ProgramContext, onExit: (code: ExitCode) => void): Command {
  const { stdout } = context;
  const list: Work = (operations, options, registry) =>
    writeDeadLetters(stdout, operations.list(filterOf(options, registry)), options.json);
  const show: Work = async (operations, options, registry) =>
    writeDeadLetter(stdout, await findOne(operations, filterOf(options, registry)), options.json);
  const redrive: Work = async (operations, options, registry) => {
    const { redriven } = await operations.redrive(explicitFilterOf(options, registry));
    requireFound(redriven, options);
    stdout.write(
      options.json ? `${JSON.stringify({ redriven })}\n` : `${count(redriven, 'dead letter')} redriven.\n`,
    );
  };
  const discard: Work = async (operations, options, registry) => {
    const { discarded } = await operations.discard(explicitFilterOf(options, registry));
    requireFound(discarded, options);
    stdout.write(
      options.json ? `${JSON.stringify({ discarded })}\n` : `${count(discarded, 'dead letter')} discarded.\n`,
    );
  };
  const subcommand = (name: string, description: string, work: Work): Command =>
    addOutputOptions(addTargetOptions(addChoiceOptions(new Command(name).description(description)))).action(
      async (options: Options) => {
        const { logger } = openDisplay(context.stderr, options.logLevel);
        await withConsumer(context, options, logger, ({ deadLetters }, registry) =>
          work(deadLetters, options, registry),
        );
        onExit(EXIT_CODES.done);
      },
    );
  return new Command('dead-letters')
    .summary('look at what was set aside, and bring it back')
    .description("What can't be applied is set aside in <stream>:dead-letters, in the stream's Redis pool.")
    .addCommand(subcommand('list', 'List dead letters: all, unless options say which.', list))
    .addCommand(subcommand('show', 'Show one dead letter in full: give its --id.', show))
    .addCommand(
      subcommand(
        'redrive',
        "Put dead letters back at their stream's end, with only what is left to do.",
        redrive,
      ),
    )
    .addCommand(subcommand('discard', 'Delete dead letters for good.', discard));
}

async function findOne(operations: DeadLetterOperations, filter: DeadLetterFilter): Promise<DeadLetter> {
  if (filter.id === undefined) {
    throw new ConfigurationError('missing-option', 'no dead letter is chosen', {
      nextStep: 'Give its --id, as `dead-letters list` shows it.',
    });
  }
  const found: DeadLetter[] = [];
  for await (const deadLetter of operations.list(filter)) found.push(deadLetter);
  const [first] = found;
  requireFound(found.length, filter);
  if (first === undefined || found.length > 1) {
    throw new ConfigurationError('ambiguous-id', `the id ${filter.id} stands in several streams`, {
      nextStep: `Give --stream too: ${found.map(({ stream }) => stream).join(' or ')}.`,
    });
  }
  return first;
}

/** An id that matches nothing is a mistake; any other choice may be empty. */
function requireFound(count: number, { id }: DeadLetterFilter): void {
  if (count === 0 && id !== undefined) {
    throw new ConfigurationError('unknown-dead-letter', `there is no dead letter ${id} among those chosen`, {
      nextStep: 'See `dead-letters list`.',
    });
  }
}
