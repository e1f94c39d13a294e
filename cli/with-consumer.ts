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

type SessionOptions = OutputOptions & TargetOptions & Partial<ConsumeOptions>;

/**
 * Lends `work` a consumer of the registry's streams, or a deployed one (whose registry is not known here), and closes it
 * afterwards whatever happens.
 */
export async function withConsumer<Result>(
  { openConsumer }: Pick<ProgramContext, 'openConsumer'>,
  options: SessionOptions,
  logger: Logger,
  work: (consumer: Consumer, registry?: Registry) => Promise<Result>,
): Promise<Result> {
  const [consumer, registry] =
    options.function === undefined
      ? await openWithRegistry(openConsumer, options, logger)
      : [await openDeployed(options.function)];
  try {
    return await work(consumer, registry);
  } finally {
    await consumer.close();
  }
}

async function openDeployed(functionName: string): Promise<Consumer> {
  // AWS's client takes half as long to load as all else together: only where it is needed.
  const { openFunctionConsumer } = await import('./consumer/function-consumer.ts');
  return openFunctionConsumer(functionName);
}

async function openWithRegistry(
  openConsumer: ProgramContext['openConsumer'],
  options: SessionOptions,
  logger: Logger,
): Promise<[Consumer, Registry]> {
  const { ordering, lazyConcurrency, allowedStatements, absentGroups } = { ...CONSUME_DEFAULTS, ...options };
  const registry = await readRegistry(options.registry ?? '');
  const bindings = options.bindings === undefined ? [] : readBindings(options.bindings, registry);
  const { searchMapping } = options;
  const search = searchMapping === undefined ? {} : readSearchMapping(searchMapping);
  const consumer = await openConsumer({
    registry,
    logger,
    ordering,
    lazyConcurrency,
    allowedStatements,
    ledgerDatabase: options.ledgerDatabase,
    bindings,
    search,
    absentGroups,
    collectsGarbage: true,
  });
  return [consumer, registry];
}

/**
 * Reads the bindings of own streams from a YAML file. Paths of modules become absolute; in the file they are relative to
 * its directory.
 *
 * @throws ConfigurationError where it can't be read, or that names the place of everything that is wrong
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
 * Reads what search indexes consist of from a file in YAML, of which JSON is a part.
 *
 * @throws ConfigurationError where it can't be read, or that names the place of everything that is wrong
 */
function readSearchMapping(path: string): SearchSettings {
  return parseSearchSettings(readYamlFile(path, SEARCH_MAPPING_FILE) ?? {}, path);
}
