import type { Logger } from '../../../shared/logging.ts';
import { readRegistry } from '../../../shared/registry/read-registry.ts';
import type { Registry } from '../../../shared/registry/registry.ts';
import { readBindings } from '../handlers/read-bindings.ts';
import type { LocalConsumer } from '../local-consumer.ts';
import { readSearchMapping } from '../read-search-mapping.ts';
import type { ProgramContext } from './context.ts';
import { CONSUME_DEFAULTS, type CommonOptions, type ConsumeOptions } from './shared-options.ts';

/** Lends `work` a consumer of the registry's streams, and closes it afterwards whatever happens. */
export async function withConsumer<Result>(
  { openConsumer }: Pick<ProgramContext, 'openConsumer'>,
  options: CommonOptions & Partial<ConsumeOptions>,
  logger: Logger,
  work: (consumer: LocalConsumer, registry: Registry) => Promise<Result>,
): Promise<Result> {
  const { ordering, lazyConcurrency, allowedStatements, absentGroups } = { ...CONSUME_DEFAULTS, ...options };
  const registry = await readRegistry(options.registry);
  const bindings = options.bindings === undefined ? [] : await readBindings(options.bindings, registry);
  const { searchMapping } = options;
  const search = searchMapping === undefined ? {} : await readSearchMapping(searchMapping);
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
  try {
    return await work(consumer, registry);
  } finally {
    await consumer.close();
  }
}
