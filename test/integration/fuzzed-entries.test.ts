import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { withConsumer } from '../kit/drain.ts';
import { Random } from '../kit/generate/random.ts';
import { loadFixture } from '../kit/load-fixture.ts';
import { mutate } from '../kit/mutate.ts';
import { entriesOf } from '../kit/recorded-entries.ts';

const ENTRIES = 100_000;
const PAGE = 1000;
const STREAMS = ['orm-lazy-channel', 'orm-log-channel'];

test('a hundred thousand mutated entries are each applied or a dead letter, and none ends the consumer', async () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  const fixture = await loadFixture('histories/full-1');
  const registry = parseRegistry(fixture.registryYaml, 'registry.yaml');
  const pool = registry.redisPools.get('default');
  if (pool?.target.kind !== 'tcp') throw new Error('the pool default is no TCP address');
  const redis = new Redis({ ...pool.target, db: pool.database });
  const bodies = entriesOf(fixture.recording).filter(({ stream }) => STREAMS.includes(stream));
  await redis.del(...STREAMS);
  const random = new Random(seed);
  for (let added = 0; added < ENTRIES; added += PAGE) {
    const pipeline = redis.pipeline();
    for (let place = 0; place < PAGE; place++) {
      const { stream, fields } = random.pick(bodies);
      const body = fields['s'] ?? Buffer.alloc(0);
      pipeline.xadd(stream, '*', 's', random.chance(0.2) ? body : mutate(random, body));
    }
    await pipeline.exec();
  }
  const setting = { ordering: 'entity', lazyConcurrency: 11 } as const;
  const history = { ...fixture, databasePrefix: fixture.database('') };
  const summary = await withConsumer(history, setting, (consumer) => consumer.drain({ budgetMs: 240_000 }));
  const channels = ['lazy', 'log'].flatMap((name) => summary.channels[name] ?? []);
  const settled = channels.reduce((sum, { entries }) => sum + entries, 0);
  const dead = new Set<string>();
  for (const stream of STREAMS) {
    for (const [, fields] of await redis.xrange(`${stream}:dead-letters`, '-', '+'))
      dead.add(`${stream} ${fields[fields.indexOf('entry') + 1]}`);
  }
  const deadLetters = channels.reduce((sum, channel) => sum + channel.deadLetters, 0);
  console.log(
    `seed ${seed}: ${settled} entries settled, ${settled - dead.size} applied, ${dead.size} dead letters`,
  );
  await redis.quit();
  expect(summary).toMatchObject({ complete: true, reason: 'drained' });
  expect(settled).toBe(ENTRIES);
  // Each dead letter is of an entry of its own, and there are enough of both kinds for this to mean something.
  expect(deadLetters).toBe(dead.size);
  expect(dead.size).toBeGreaterThan(ENTRIES / 10);
  expect(settled - dead.size).toBeGreaterThan(ENTRIES / 10);
}, 300_000);
