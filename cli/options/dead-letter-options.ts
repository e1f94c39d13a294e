import { type Command, Option } from 'commander';
import { type DeadLetterFilter, deadLetterStream } from '../../shared/dead-letter.ts';
import { ConfigurationError } from '../../shared/errors.ts';
import type { Registry } from '../../shared/registry/registry.ts';
import { streamEntryId } from './option-values.ts';

/** Options that say which dead letters are meant. */
export interface ChoiceOptions extends DeadLetterFilter {
  readonly all?: boolean;
}

export function addChoiceOptions(command: Command): Command {
  return command
    .option('--stream <name>', 'those of this stream, without namespace, such as orm-lazy-channel')
    .addOption(
      new Option('--id <id>', 'the one with this id, such as 1700000000000-0').argParser(streamEntryId),
    )
    .option(
      '--code <code>',
      "those with this code: MySQL's number such as 1062, or a name such as undecodable",
    )
    .addOption(new Option('--all', 'all of them').conflicts(['stream', 'id', 'code']));
}

/** @throws ConfigurationError where the stream is none of the registry's */
export function filterOf({ stream, id, code }: ChoiceOptions, registry?: Registry): DeadLetterFilter {
  return {
    ...(stream === undefined ? {} : { stream: knownStream(stream, registry) }),
    ...(id === undefined ? {} : { id }),
    ...(code === undefined ? {} : { code }),
  };
}

/** As {@link filterOf}, for what can't be undone: nothing is chosen by leaving options out. */
export function explicitFilterOf(options: ChoiceOptions, registry?: Registry): DeadLetterFilter {
  const filter = filterOf(options, registry);
  if (options.all !== true && Object.keys(filter).length === 0) {
    throw new ConfigurationError('missing-option', 'no dead letters are chosen', {
      nextStep: 'Give --stream, --id or --code, or --all.',
    });
  }
  return filter;
}

/** Of a deployed consumer the registry is not known here: its function tells. */
function knownStream(name: string, registry: Registry | undefined): string {
  const suffix = deadLetterStream('');
  const stream = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  if (registry !== undefined && !registry.streams.has(stream)) {
    throw new ConfigurationError('unknown-stream', `the registry has no stream ${JSON.stringify(stream)}`, {
      nextStep: `It has ${[...registry.streams.keys()].join(', ')}.`,
    });
  }
  return stream;
}
