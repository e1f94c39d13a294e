import { type Command, Option } from 'commander';
import { type DeadLetterFilter, deadLetterStream } from '../../shared/dead-letter.ts';
import { ConfigurationError } from '../../shared/errors.ts';
import type { Registry } from '../../shared/registry/registry.ts';
import { streamEntryId } from './option-values.ts';

/** Options that select dead letters. */
export interface SelectionOptions extends DeadLetterFilter {
  readonly all?: boolean;
}

export function addSelectionOptions(command: Command): Command {
  return command
    .option(
      '--stream <name>',
      'dead letters of this stream, named without its namespace, such as orm-lazy-channel',
    )
    .addOption(
      new Option('--id <id>', 'the dead letter with this id, such as 1700000000000-0').argParser(
        streamEntryId,
      ),
    )
    .option(
      '--code <code>',
      'dead letters with this code: a MySQL error number such as 1062, or a name such as undecodable',
    )
    .addOption(new Option('--all', 'all dead letters').conflicts(['stream', 'id', 'code']));
}

/** @throws ConfigurationError if the registry does not have the stream */
export function filterOf({ stream, id, code }: SelectionOptions, registry?: Registry): DeadLetterFilter {
  return {
    ...(stream === undefined ? {} : { stream: knownStream(stream, registry) }),
    ...(id === undefined ? {} : { id }),
    ...(code === undefined ? {} : { code }),
  };
}

/**
 * Like {@link filterOf}, for operations that cannot be undone: omitting all options selects nothing.
 * @throws ConfigurationError if no option is given
 */
export function explicitFilterOf(options: SelectionOptions, registry?: Registry): DeadLetterFilter {
  const filter = filterOf(options, registry);
  if (options.all !== true && Object.keys(filter).length === 0) {
    throw new ConfigurationError('missing-option', 'no dead letters are selected', {
      nextStep: 'Specify --stream, --id, --code or --all.',
    });
  }
  return filter;
}

/** Checks the stream unless the consumer is deployed: its registry is not known here, so its function checks it. */
function knownStream(name: string, registry: Registry | undefined): string {
  const suffix = deadLetterStream('');
  const stream = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  if (registry !== undefined && !registry.streams.has(stream)) {
    throw new ConfigurationError('unknown-stream', `the registry has no stream ${JSON.stringify(stream)}`, {
      nextStep: `Use one of its streams: ${[...registry.streams.keys()].join(', ')}.`,
    });
  }
  return stream;
}
