import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { RedisServer } from '../../infra/local/servers/redis-server.ts';
import type { SearchSettings } from '../../shared/search-settings.ts';
import { encode } from '../kit/generate/messagepack.ts';
import { provideRedisStack, startRedisStack } from '../kit/redis-stack.ts';
import { openSearchScene, type SearchScene } from '../kit/search-scene.ts';

const STREAM = 'orm-redis-search-channel';
const PROGRESS = '_orm_force_indexmain.HSearchMany';
const ROWS = 100_000;
const HEAP_MB = 96;
const MAPPING: SearchSettings = {
  indexes: { 'main.HSearchMany': { table: 'search_many', fields: { N: 'integer', Body: 'text' } } },
};

const redisStack = provideRedisStack();

describe.runIf(redisStack !== undefined)('an index of 100,000 documents', () => {
  let server: RedisServer;

  beforeAll(async () => {
    if (redisStack !== undefined) server = await startRedisStack(redisStack);
  });
  afterAll(() => server?.stop());

  test('is completed by the next run after a kill -9 in the middle, in constant memory', async () => {
    const scene = await openSearchScene(server);
    await scene.redis.del(STREAM);
    // More than fits into the consumer's heap.
    await scene.mysql.query('ALTER TABLE search_many ADD Body VARCHAR(1000) NULL');
    await scene.mysql.query(
      `INSERT INTO search_many (ID, N, Body) SELECT 5003 + seq, seq, REPEAT('text ', 100) FROM seq_1_to_${ROWS - 5003}`,
    );
    await scene.redis.xadd(STREAM, '*', 's', encode({ Index: 'main.HSearchMany' }));
    const killed = startConsumer(scene);
    while (Number(await scene.redis.get(PROGRESS)) < 30_000) await sleep(2);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const progress = Number(await scene.redis.get(PROGRESS));
    expect(progress).toBeLessThan(ROWS);
    await scene.redis.del('orm-async-consumer_consumer-1'); // As if its time to live were over.
    await scene.redis.del('f7afb:1');

    const resumed = await drained(startConsumer(scene));
    expect(resumed).toMatchObject({ entries: 1, documents: ROWS - progress, pending: 0 });
    expect(await scene.redis.exists('f7afb:1', PROGRESS)).toBe(0);
    expect(await countDocuments(scene)).toBe(ROWS - 1);
  });
});

function startConsumer(scene: SearchScene): ChildProcess {
  const directory = mkdtempSync(join(tmpdir(), 'search-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const [registry, mapping] = [join(directory, 'registry.yaml'), join(directory, 'search.json')];
  writeFileSync(registry, scene.registryYaml);
  writeFileSync(mapping, JSON.stringify(MAPPING));
  const program = `${import.meta.dirname}/../../cli/main.ts`;
  const settings = ['--registry', registry, '--ledger-database', scene.ledgerDatabase];
  const parameters = [
    `--max-old-space-size=${HEAP_MB}`,
    program,
    'drain',
    '--json',
    '--log-level',
    'warn',
    '--budget',
    '60s',
    '--search-mapping',
    mapping,
    ...settings,
  ];
  return spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Waits for the consumer to end, and returns its report for the channel `search`. */
async function drained(consumer: ChildProcess): Promise<unknown> {
  const output = consumer.stdout === null ? '' : await text(consumer.stdout);
  return JSON.parse(output).channels.search;
}

async function countDocuments({ redis }: SearchScene): Promise<number> {
  const keys = await redis.eval("return #redis.call('KEYS', 'f7afb:*')", 0);
  return Number(keys);
}
