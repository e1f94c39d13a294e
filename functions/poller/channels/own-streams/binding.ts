import * as z from 'zod';
import { ConfigurationError } from '../../../../shared/errors.ts';
import { ASYNC_CONSUMER_GROUP, BUILT_IN_STREAMS } from '../../../../shared/registry/beeorm-names.ts';
import type { PollerRegistry } from '../../../../shared/registry/types.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const name = z.string().min(1);

const handlerSchema = z.discriminatedUnion('kind', [
  /** A file that exports `handler`; its path is relative to the file that names it. On one machine only. */
  z.strictObject({ kind: z.literal('module'), path: name }),
  /** Name or ARN of a Lambda function, which may end in an alias or version. */
  z.strictObject({ kind: z.literal('lambda'), functionName: name }),
]);

const orderingSchema = z.union([
  /** Entries are handled in any order. */
  z.literal('none'),
  /**
   * Entries with an equal value are handled one at a time, in the order of the stream. `tenant` is the entry's field
   * `tenant`; `s.I` is the member `I` of a map in its body. Entries without it have no order.
   */
  z.strictObject({ field: name }),
]);

/** A stream and one of its groups, bound to a handler. */
const bindingSchema = z.strictObject({
  /** As the registry names it, without namespace. */
  stream: name,
  /** One of the stream's groups in the registry. Each group gets every entry once. */
  group: name,
  handler: handlerSchema,
  /** Entries in an invocation, at most. 1 to 10,000; default 100. */
  batchSize: z.int().min(1).max(10_000).default(100),
  /** How long an entry may wait for others to share its invocation. 0 to 300,000 ms; default 0: not at all. */
  windowMs: z.int().min(0).max(300_000).default(0),
  /** Length of an invocation's records as JSON, at most; a longer entry goes alone. 1 to 6,000,000; default 4,500,000. */
  batchBytes: z.int().min(1).max(6_000_000).default(4_500_000),
  /** Invocations at once, at most. 1 to 100; default 1. */
  concurrency: z.int().min(1).max(100).default(1),
  /** Default `none`. */
  ordering: orderingSchema.default('none'),
  /** Attempts after the first one that failed. 0 to 10,000; default 3. */
  retries: z.int().min(0).max(10_000).default(3),
  /** Pause before the first retry; doubled for each further one up to a minute. 0 to 60,000 ms; default 1,000. */
  backoffMs: z.int().min(0).max(60_000).default(1000),
  /** Entries that were written longer ago are not tried any more. 1 ms to 7 days; default: none is too old. */
  maximumAgeMs: z
    .int()
    .min(1)
    .max(7 * DAY_MS)
    .exactOptional(),
  /** Without an answer for this long an invocation has failed. 1 ms to 15 minutes; default 1 minute. */
  timeoutMs: z
    .int()
    .min(1)
    .max(HOUR_MS / 4)
    .default(60_000),
  /** Whether a batch that fails whole is halved, again and again, to find the entry that fails. Default true. */
  bisect: z.boolean().default(true),
  /** Whether an entry that is given up is kept in `<stream>:dead-letters`; else it is dropped. Default true. */
  deadLetters: z.boolean().default(true),
});

export type StreamBinding = z.infer<typeof bindingSchema>;
/** The name of a binding's channel in summaries, in `status` and as a dimension of metrics. */
export function channelNameOf({ stream, group }: Pick<StreamBinding, 'stream' | 'group'>): string {
  return `${stream}/${group}`;
}

const bindingsSchema = z.strictObject({ bindings: z.array(bindingSchema) });

/**
 * Checks bindings as they were written, `{ bindings: [{ stream, group, handler, … }] }`, and fills in the defaults.
 *
 * @param source what errors call it, such as the file's path
 * @throws ConfigurationError that names the place of everything that is wrong
 */
export function parseBindings(
  value: unknown,
  source: string,
  registry: Pick<PollerRegistry, 'streams'>,
): StreamBinding[] {
  const parsed = bindingsSchema.safeParse(value);
  if (!parsed.success) {
    throw invalid(
      source,
      parsed.error.issues.map(({ path, message }) => `${placeOf(path)}${message}`),
    );
  }
  const { bindings } = parsed.data;
  const problems = bindings.flatMap((binding, index) => problemsOf(binding, index, bindings, registry));
  if (problems.length > 0) throw invalid(source, problems);
  return bindings;
}

function problemsOf(
  { stream, group }: StreamBinding,
  index: number,
  bindings: readonly StreamBinding[],
  registry: Pick<PollerRegistry, 'streams'>,
): string[] {
  const place = ['bindings', index];
  const definition = registry.streams.get(stream);
  if (definition === undefined) {
    const known = [...registry.streams.keys()].join(', ');
    return [`${placeOf([...place, 'stream'])}the registry has no stream '${stream}', only ${known}`];
  }
  if (!definition.groups.includes(group)) {
    const known = definition.groups.join(', ');
    return [
      `${placeOf([...place, 'group'])}the registry gives stream '${stream}' no group '${group}', only ${known}`,
    ];
  }
  if (group === ASYNC_CONSUMER_GROUP && BUILT_IN_STREAMS.some((builtIn) => builtIn === stream))
    return [`${placeOf([...place, 'group'])}group '${group}' of stream '${stream}' is consumed already`];
  const first = bindings.findIndex((other) => other.stream === stream && other.group === group);
  return first === index ? [] : [`${placeOf(place)}bindings[${first}] has the same stream and group`];
}

/** `bindings[0].batchSize: `. */
function placeOf(path: readonly PropertyKey[]): string {
  const place = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return place === '' ? '' : `${place.replace(/^\./, '')}: `;
}

function invalid(source: string, problems: readonly string[]): ConfigurationError {
  return new ConfigurationError(
    'invalid-bindings',
    `${source}: ${problems.map((problem) => problem.replace(/^\.+/, '')).join('; ')}`,
    { nextStep: 'docs/own-streams.md describes each setting.' },
  );
}
