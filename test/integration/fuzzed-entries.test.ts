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

test('each of 100,000 mutated entries is applied or becomes a dead letter, and none stops the consumer', async () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  const fixture = await loadFixture('histories/full-1');
  const registry = parseRegistry(fixture.registryYaml, 'registry.yaml');
  const pool = registry.redisPools.get('default');
  if (pool?.target.kind !== 'tcp') throw new Error('the Redis pool default does not have a TCP address');
  const redis = new Redis({ ...pool.target, db: pool.database });
  const bodies = entriesOf(fixture.recording).filter(({ stream }) => STREAMS.includes(stream));
  await redis.del(...STREAMS);
  const random = new Random(seed);
  for (let added = 0; added < ENTRIES; added += PAGE) {
    const pipeline = redis.pipeline();
    for (let index = 0; index < PAGE; index++) {
      const { stream, fields } = random.pick(bodies);
      const body = fields['s'] ?? Buffer.alloc(0);
      pipeline.xadd(stream, '*', 's', random.chance(0.2) ? body : mutate(random, body));
    }
    await pipeline.exec();
  }
  const settings = { ordering: 'entity', lazyConcurrency: 11 } as const;
  const history = { ...fixture, databasePrefix: fixture.database('') };
  const summary = await withConsumer(history, settings, (consumer) => consumer.drain({ budgetMs: 240_000 }));
  const channels = ['lazy', 'log'].flatMap((name) => summary.channels[name] ?? []);
  const settled = channels.reduce((sum, { entries }) => sum + entries, 0);
  const deadLetterEntries = new Set<string>();
  for (const stream of STREAMS) {
    for (const [, fields] of await redis.xrange(`${stream}:dead-letters`, '-', '+'))
      deadLetterEntries.add(`${stream} ${fields[fields.indexOf('entry') + 1]}`);
  }
  const deadLetters = channels.reduce((sum, channel) => sum + channel.deadLetters, 0);
  console.log(
    `seed ${seed}: ${settled} entries settled, ${settled - deadLetterEntries.size} applied, ${deadLetterEntries.size} dead letters`,
  );
  await redis.quit();
  expect(summary).toMatchObject({ complete: true, reason: 'drained' });
  expect(settled).toBe(ENTRIES);
  // No entry has two dead letters, and enough entries are applied and enough are dead letters to be meaningful.
  expect(deadLetters).toBe(deadLetterEntries.size);
  expect(deadLetterEntries.size).toBeGreaterThan(ENTRIES / 10);
  expect(settled - deadLetterEntries.size).toBeGreaterThan(ENTRIES / 10);
}, 300_000);
