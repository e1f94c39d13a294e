import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { startRedis } from '../../../infra/local/servers/redis-server.ts';
import { parseRegistry } from '../../../shared/registry/registry.ts';
import { openScene, type Scene } from './scene.ts';

const USER = 'consumer';
const PASSWORD = 'pl4nted';

/** A scene in a Redis of its own. The consumer logs in as a user with the given rules; `redis` may do everything. */
export interface RestrictedScene extends Scene {
  /** Replaces the rules of the consumer's user. */
  allow(rules: readonly string[]): Promise<void>;
  configure(setting: string, value: string): Promise<void>;
}

export const EVERYTHING = ['~*', '+@all'];

export async function openRestrictedScene(rules: readonly string[] = EVERYTHING): Promise<RestrictedScene> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const address = { host: server.host, port: server.port };
  const scene = await openScene({
    redis: { ...address, database: 0 },
    otherRedis: { ...address, database: 1 },
  });
  const registryYaml = scene.registryYaml.replace(
    /^( {2}redis: .*)$/gm,
    `$1?user=${USER}&password=${PASSWORD}`,
  );
  const admin = new Redis(address);
  onTestFinished(() => admin.disconnect());
  const allow = async (next: readonly string[]) => {
    await admin.call('ACL', 'SETUSER', USER, 'reset', 'on', `>${PASSWORD}`, '&*', ...next);
  };
  await allow(rules);
  return {
    ...scene,
    registryYaml,
    registry: parseRegistry(registryYaml, 'registry.yaml'),
    allow,
    configure: async (setting, value) => void (await admin.config('SET', setting, value)),
  };
}
