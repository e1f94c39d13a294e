import { dirname, resolve } from 'node:path';
import { parseBindings, type StreamBinding } from '../functions/poller/channels/own-streams/binding.ts';
import type { Logger } from '../shared/logging.ts';
import { BINDINGS_FILE, readYamlFile, SEARCH_MAPPING_FILE } from '../shared/read-yaml-file.ts';
import { readRegistry } from '../shared/registry/read-registry.ts';
import type { Registry } from '../shared/registry/registry.ts';
import { parseSearchSettings, type SearchSettings } from '../shared/search-settings.ts';
import type { Consumer } from './consumer/consumer.ts';
import type { ProgramContext } from './context.ts';
import { CONSUME_DEFAULTS, type ConsumeOptions, type OutputOptions } from './options/shared-options.ts';
import type { TargetOptions } from './options/target-options.ts';

type OpenOptions = OutputOptions & TargetOptions & Partial<ConsumeOptions>;

/**
 * Runs `task` with a consumer and closes it afterwards. The consumer is a deployed one, whose registry is not known
 * here, or one in this process.
 */
export async function withConsumer<Result>(
  { openConsumer }: Pick<ProgramContext, 'openConsumer'>,
  options: OpenOptions,
  logger: Logger,
  task: (consumer: Consumer, registry?: Registry) => Promise<Result>,
): Promise<Result> {
  const [consumer, registry] =
    options.function === undefined
      ? await openWithRegistry(openConsumer, options, logger)
      : [await openDeployed(options.function)];
  try {
    return await task(consumer, registry);
  } finally {
    await consumer.close();
  }
}

async function openDeployed(functionName: string): Promise<Consumer> {
  // Imported on demand, because the AWS client takes half as long to load as everything else together.
  const { openFunctionConsumer } = await import('./consumer/function-consumer.ts');
  return openFunctionConsumer(functionName);
}

async function openWithRegistry(
  openConsumer: ProgramContext['openConsumer'],
  options: OpenOptions,
  logger: Logger,
): Promise<[Consumer, Registry]> {
  const registry = await readRegistry(options.registry ?? '');
  const consumer = await openConsumer({
    registry,
    logger,
    ordering: options.ordering ?? CONSUME_DEFAULTS.ordering,
    lazyConcurrency: options.lazyConcurrency ?? CONSUME_DEFAULTS.lazyConcurrency,
    allowedStatements: options.allowedStatements ?? CONSUME_DEFAULTS.allowedStatements,
    ledgerDatabase: options.ledgerDatabase,
    bindings: options.bindings === undefined ? [] : readBindings(options.bindings, registry),
    search: options.searchMapping === undefined ? {} : readSearchMapping(options.searchMapping),
    absentGroups: options.absentGroups ?? CONSUME_DEFAULTS.absentGroups,
    collectsGarbage: true,
  });
  return [consumer, registry];
}

/**
 * Reads the bindings of own streams from a YAML file. Resolves the paths of modules against the directory of the file.
 *
 * @throws ConfigurationError if the file cannot be read, or with the position of every mistake in it
 */
function readBindings(path: string, registry: Registry): StreamBinding[] {
  const bindings = parseBindings(readYamlFile(path, BINDINGS_FILE), path, registry);
  return bindings.map((binding) => {
    const { handler } = binding;
    if (handler.kind !== 'module') return binding;
    return { ...binding, handler: { ...handler, path: resolve(dirname(path), handler.path) } };
  });
}

/**
 * Reads the definitions of search indexes from a YAML file, which may be JSON.
 *
 * @throws ConfigurationError if the file cannot be read, or with the position of every mistake in it
 */
function readSearchMapping(path: string): SearchSettings {
  return parseSearchSettings(readYamlFile(path, SEARCH_MAPPING_FILE) ?? {}, path);
}
