import * as z from 'zod';
import { ConfigurationError } from '../../../../shared/errors.ts';
import { ASYNC_CONSUMER_GROUP, BUILT_IN_STREAMS } from '../../../../shared/registry/beeorm-names.ts';
import type { PollerRegistry } from '../../../../shared/registry/types.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const name = z.string().min(1);

const handlerSchema = z.discriminatedUnion('kind', [
  /** A file that exports `handler`. Its path is relative to the bindings file. Only for running on one machine. */
  z.strictObject({ kind: z.literal('module'), path: name }),
  /** Name or ARN of a Lambda function, optionally with an alias or version. */
  z.strictObject({ kind: z.literal('lambda'), functionName: name }),
]);

const orderingSchema = z.union([
  /** Entries are handled in any order. */
  z.literal('none'),
  /**
   * Entries with the same value of this field are handled one at a time, in stream order. `tenant` is the entry's field
   * `tenant`; `s.I` is the member `I` of a map in its body. Entries without the field are handled in any order.
   */
  z.strictObject({ field: name }),
]);

/** Binds a stream and one of its groups to a handler. */
const bindingSchema = z.strictObject({
  /** Name of the stream in the registry, without namespace. */
  stream: name,
  /** One of the stream's groups in the registry. Each group gets every entry once. */
  group: name,
  handler: handlerSchema,
  /** Maximum entries per invocation. 1 to 10,000; default 100. */
  batchSize: z.int().min(1).max(10_000).default(100),
  /** Maximum time that an entry waits for others to share its invocation. 0 to 300,000 ms; default 0: no wait. */
  windowMs: z.int().min(0).max(300_000).default(0),
  /** Maximum size of an invocation's records as JSON; a larger entry is sent alone. 1 to 6,000,000; default 4,500,000. */
  batchBytes: z.int().min(1).max(6_000_000).default(4_500_000),
  /** Maximum concurrent invocations. 1 to 100; default 1. */
  concurrency: z.int().min(1).max(100).default(1),
  /** Default `none`. */
  ordering: orderingSchema.default('none'),
  /** Maximum retries after a failed first attempt. 0 to 10,000; default 3. */
  retries: z.int().min(0).max(10_000).default(3),
  /** Pause before the first retry, doubled for each further retry up to a minute. 0 to 60,000 ms; default 1,000. */
  backoffMs: z.int().min(0).max(60_000).default(1000),
  /** Maximum age of an entry; older entries are no longer delivered. 1 ms to 7 days; default: no limit. */
  maximumAgeMs: z
    .int()
    .min(1)
    .max(7 * DAY_MS)
    .exactOptional(),
  /** Maximum time that an invocation may take before it fails. 1 ms to 15 minutes; default 1 minute. */
  timeoutMs: z
    .int()
    .min(1)
    .max(HOUR_MS / 4)
    .default(60_000),
  /** Split a failed batch in halves, repeatedly, to isolate the entry that fails. Default true. */
  bisect: z.boolean().default(true),
  /** Move a rejected entry to `<stream>:dead-letters`; otherwise the entry is dropped. Default true. */
  deadLetters: z.boolean().default(true),
});

export type StreamBinding = z.infer<typeof bindingSchema>;

/** The name of a binding's channel in summaries, in `status` and in metric dimensions. */
export function channelNameOf({ stream, group }: Pick<StreamBinding, 'stream' | 'group'>): string {
  return `${stream}/${group}`;
}

const bindingsSchema = z.strictObject({ bindings: z.array(bindingSchema) });

/**
 * Validates bindings of the form `{ bindings: [{ stream, group, handler, … }] }`, and adds the defaults.
 *
 * @param source the name of the input in errors, such as the path of the file
 * @throws ConfigurationError that lists each problem with its location
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
      parsed.error.issues.map(({ path, message }) => `${formatPath(path)}${message}`),
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
  const location = ['bindings', index];
  const definition = registry.streams.get(stream);
  if (definition === undefined) {
    const known = [...registry.streams.keys()].join(', ');
    return [`${formatPath([...location, 'stream'])}the registry has no stream '${stream}', only ${known}`];
  }
  if (!definition.groups.includes(group)) {
    const known = definition.groups.join(', ');
    return [
      `${formatPath([...location, 'group'])}stream '${stream}' has no group '${group}' in the registry, only ${known}`,
    ];
  }
  if (group === ASYNC_CONSUMER_GROUP && BUILT_IN_STREAMS.some((builtIn) => builtIn === stream)) {
    return [
      `${formatPath([...location, 'group'])}group '${group}' of stream '${stream}' is already consumed`,
    ];
  }
  const first = bindings.findIndex((other) => other.stream === stream && other.group === group);
  return first === index ? [] : [`${formatPath(location)}bindings[${first}] has the same stream and group`];
}

/** Formats a path like `bindings[0].batchSize: `. */
function formatPath(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text === '' ? '' : `${text.replace(/^\./, '')}: `;
}

function invalid(source: string, problems: readonly string[]): ConfigurationError {
  return new ConfigurationError(
    'invalid-bindings',
    `${source}: ${problems.map((problem) => problem.replace(/^\.+/, '')).join('; ')}`,
    { nextStep: 'Correct the bindings; docs/own-streams.md describes each setting.' },
  );
}
