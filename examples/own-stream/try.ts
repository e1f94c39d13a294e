/** Publishes five changes of orders to a temporary Redis, drains them with the handler, and lists the dead letters. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { startRedis } from '../../infra/local/servers/redis-server.ts';
import { textToBinary } from '../../shared/binary-string.ts';
import { encodeMessagePack } from '../../shared/wire/encode-messagepack.ts';
import type { MessageValue } from '../../shared/wire/message-value.ts';

const server = await startRedis();
try {
  const registry = `${server.directory}/registry.yaml`;
  const text = readFileSync(`${import.meta.dirname}/registry.yaml`, 'utf8');
  writeFileSync(registry, text.replace('localhost:6379', `${server.host}:${server.port}`));
  await publish([
    [7n, 'i'],
    [8n, 'i'],
    [13n, 'i'],
    [7n, 'u'],
    [9_223_372_036_854_775_807n, 'd'],
  ]);
  consumer('drain', '--registry', registry, '--bindings', `${import.meta.dirname}/bindings.yaml`);
  consumer('dead-letters', 'list', '--registry', registry);
} finally {
  await server.stop();
}

/** Publishes changes in the format of a BeeORM dirty stream. */
async function publish(changes: readonly (readonly [id: bigint, action: string])[]): Promise<void> {
  const redis = new Redis({ host: server.host, port: server.port });
  for (const [id, action] of changes) {
    const event = new Map<string, MessageValue>([
      ['I', id],
      ['A', textToBinary(action)],
      ['E', textToBinary('main.Order')],
    ]);
    const members = [...event].map(([name, value]) => [textToBinary(name), value] as const);
    await redis.xadd('order-changed', '*', 's', encodeMessagePack(new Map(members)));
  }
  redis.disconnect();
}

function consumer(...programArguments: string[]): void {
  const program = `${import.meta.dirname}/../../cli/main.ts`;
  spawnSync(process.execPath, [program, ...programArguments], { stdio: 'inherit' });
}
