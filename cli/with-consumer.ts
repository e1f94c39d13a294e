import { readBindings } from '../infra/local/handlers/read-bindings.ts';
import { readSearchMapping } from '../infra/local/read-search-mapping.ts';
import type { Logger } from '../shared/logging.ts';
import { readRegistry } from '../shared/registry/read-registry.ts';
import type { Registry } from '../shared/registry/registry.ts';
import type { LocalConsumer } from './consumer/consumer.ts';
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
  work: (consumer: LocalConsumer, registry?: Registry) => Promise<Result>,
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

async function openDeployed(functionName: string): Promise<LocalConsumer> {
  // AWS's client takes half as long to load as all else together: only where it is needed.
  const { openFunctionConsumer } = await import('../infra/local/remote/open-function-consumer.ts');
  return openFunctionConsumer(functionName);
}

async function openWithRegistry(
  openConsumer: ProgramContext['openConsumer'],
  options: SessionOptions,
  logger: Logger,
): Promise<[LocalConsumer, Registry]> {
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
