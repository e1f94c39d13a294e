import * as z from 'zod';

/** The concern of a function, by its file. The first match counts. */
const CONCERNS: readonly (readonly [concern: string, file: RegExp])[] = [
  ['Redis: reading, settling, client', /functions\/poller\/redis\/|node_modules\/(ioredis|@ioredis|redis-)/],
  ['decoding events', /shared\/(wire|binary-string)|node_modules\/@msgpack/],
  ['parsing SQL', /shared\/sql\//],
  ['lanes and ledger', /functions\/poller\/(lanes|ledger)\//],
  ['entries, effects, drain', /functions\/poller\//],
  ['executor and MySQL client', /functions\/sql-executor\/|node_modules\/(mysql2|sql-escaper|sqlstring)/],
  ['sockets', /^node:(net|internal\/(stream|streams|timers|net))/],
  ['node: buffers, hashes, timers', /^node:(buffer|internal\/(buffer|crypto|process|timers))/],
  ['starting the program', /^(node:internal\/(modules|deps|bootstrap|main|process\/pre)|wasm:)/],
];

/** The concern of native functions, which have no file. */
const NATIVE: ReadonlyMap<string, string> = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(idle)', 'waiting for the servers'],
  ['writeUtf8String', 'sockets'],
  ['writeBuffer', 'sockets'],
  ['writev', 'sockets'],
  ['latin1Slice', 'decoding events'],
]);

const profileSchema = z.object({
  nodes: z.array(
    z.object({ id: z.number(), callFrame: z.object({ functionName: z.string(), url: z.string() }) }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

/** Adds up the microseconds of each concern in a profile that V8 wrote as JSON. */
export function timeByConcern(json: string): ReadonlyMap<string, number> {
  const { nodes, samples, timeDeltas } = profileSchema.parse(JSON.parse(json));
  const concernOf = new Map(nodes.map(({ id, callFrame }) => [id, findConcern(callFrame)]));
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const name = concernOf.get(id) ?? 'other';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return times;
}

function findConcern({ functionName, url }: { functionName: string; url: string }): string {
  if (url === '') return NATIVE.get(functionName) ?? 'other';
  return CONCERNS.find(([, file]) => file.test(url))?.[0] ?? 'other';
}
