import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { Consumer } from '../../cli/consumer/consumer.ts';
import { type LocalConsumerOverrides, openLocalConsumer } from '../../cli/consumer/local-consumer.ts';
import { ModuleHandler } from '../../cli/consumer/module-handler.ts';
import { parseBindings, type StreamBinding } from '../../functions/poller/channels/own-streams/binding.ts';
import type { EntryEvent, EntryHandler } from '../../functions/poller/channels/own-streams/entry-handler.ts';
import { ownStreamChannel } from '../../functions/poller/channels/own-streams/own-stream-channel.ts';
import type { DeadLetter } from '../../shared/dead-letter.ts';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import type { Registry } from '../../shared/registry/types.ts';
import { silentLogger } from './scene/drain-scene.ts';
import { takeTestDatabases } from './test-databases.ts';

export const ORDERS = 'order-placed';
export const MAILER = 'mailer';
export const AUDITOR = 'auditor';

/** A scene for own streams: the stream `order-placed` with the groups `mailer` and `auditor`, in a Redis database. */
export interface OwnStreamScene {
  readonly redis: Redis;
  readonly registry: Registry;
  readonly registryYaml: string;
  /** Adds an entry and returns its id. */
  add(fields: { readonly [name: string]: string | Buffer }, id?: string): Promise<string>;
  /** Adds entries with the bodies `{"n":0}`, `{"n":1}` and so on, and returns their ids. */
  addMany(count: number): Promise<string[]>;
  /** How many attempts of this consumer were counted for each pending entry, by id. */
  pending(group?: string): Promise<Record<string, number>>;
}

export interface BoundHandler extends Partial<Omit<StreamBinding, 'handler'>> {
  readonly handler: EntryHandler | ((event: EntryEvent) => unknown);
}

/** `namespace` is that of the Redis pool; empty if it has none. */
export async function openOwnStreamScene(namespace = ''): Promise<OwnStreamScene> {
  const databases = await takeTestDatabases(1);
  const [{ host, port, database } = { host: '', port: 0, database: 0 }] = databases.redis;
  const redis = new Redis({ host, port, db: database });
  onTestFinished(async () => {
    redis.disconnect();
    await databases.remove();
  });
  const registryYaml = `default:
  redis: ${host}:${port}:${database}${namespace && `:${namespace}`}
  streams: { ${ORDERS}: [${MAILER}, ${AUDITOR}] }
`;
  const prefix = namespace && `${namespace}:`;
  const stream = `${prefix}${ORDERS}`;
  const add = async (fields: { readonly [name: string]: string | Buffer }, id = '*') =>
    String(await redis.xadd(stream, id, ...Object.entries(fields).flat()));
  return {
    redis,
    registryYaml,
    registry: parseRegistry(registryYaml, 'registry.yaml'),
    add,
    addMany: (count) =>
      Promise.all(Array.from({ length: count }, (_, n) => add({ s: JSON.stringify({ n }) }))),
    pending: async (group = MAILER) => {
      const reply = await redis.xpending(stream, `${prefix}${group}`, '-', '+', 10_000);
      const attempts = await redis.hgetall(`${prefix}${group}_consumer-1:attempts:${stream}`);
      const ids = reply.map((item) => String(Array.isArray(item) ? item[0] : item));
      return Object.fromEntries(ids.map((id) => [id, Number(attempts[id] ?? 0)]));
    },
  };
}

/** Opens a consumer with handlers that are bound to `order-placed`, by default to the group `mailer`. */
export function openOwnStreams(
  { registry }: Pick<OwnStreamScene, 'registry'>,
  bound: readonly BoundHandler[],
  { collectsGarbage = false, ...overrides }: LocalConsumerOverrides & { collectsGarbage?: boolean } = {},
): Promise<Consumer> {
  const rawBindings = bound.map((settings) => ({
    stream: ORDERS,
    group: MAILER,
    backoffMs: 20,
    ...settings,
    handler: { kind: 'module', path: 'none' },
  }));
  const bindings = parseBindings({ bindings: rawBindings }, 'bindings', registry);
  const ownStreams = bindings.map((binding, index) => {
    const handler = bound[index]?.handler ?? (() => undefined);
    return ownStreamChannel(
      binding,
      typeof handler === 'function' ? new ModuleHandler('test', handler, binding.timeoutMs) : handler,
    );
  });
  return openLocalConsumer(
    {
      registry,
      logger: silentLogger,
      ordering: 'entity',
      lazyConcurrency: 2,
      ledgerDatabase: 'unused',
      allowedStatements: [],
      collectsGarbage,
    },
    { ownStreams, ...overrides },
  );
}

/** Drains once with a single handler. */
export async function drainOwnStream(
  scene: OwnStreamScene,
  bound: BoundHandler,
  budgetMs = 10_000,
): Promise<DrainSummary> {
  const consumer = await openOwnStreams(scene, [bound]);
  try {
    return await consumer.drain({ budgetMs });
  } finally {
    await consumer.close();
  }
}

/** The `n` in the body of each record. */
export function numbersOf({ Records }: EntryEvent): number[] {
  return Records.map(({ body }) => {
    const { n }: { n: number } = JSON.parse(body);
    return n;
  });
}

/** The dead letters of the stream, as the operations list them. */
export async function ownDeadLetters(scene: OwnStreamScene): Promise<Partial<DeadLetter>[]> {
  const { deadLetters } = await openOwnStreams(scene, []);
  const letters: Partial<DeadLetter>[] = [];
  for await (const { code, message, attempts, entry, group } of deadLetters.list({ stream: ORDERS }))
    letters.push({ code, message, attempts, entry, group });
  return letters;
}
