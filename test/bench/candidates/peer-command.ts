import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { BenchServers } from '../bench-servers.ts';
import type { Load } from '../loads/load.ts';
import type { Stage } from '../testbed.ts';
import type { Contestant } from './candidate.ts';

/** `--peer NAME=COMMAND`. */
export interface PeerCommand {
  readonly name: string;
  readonly command: string;
}

/**
 * Any other consumer of the streams, as a shell command that exits once they are drained. Its time is that of the whole
 * process. Its output goes to stderr, so that it can't get into `--json`.
 */
export function commandPeer(
  { name, command }: PeerCommand,
  stage: Stage,
  servers: BenchServers,
  load: Load,
): Contestant {
  return {
    name,
    turn: async () => {
      await stage.fill(load);
      const startedAt = performance.now();
      await run(name, command, servers);
      const seconds = (performance.now() - startedAt) / 1000;
      await stage.check(load, name);
      return { rate: load.entries / seconds };
    },
  };
}

async function run(
  name: string,
  command: string,
  { mysql, redis, registryFile }: BenchServers,
): Promise<void> {
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', 2, 2],
    env: {
      ...process.env,
      REGISTRY: registryFile,
      REDIS: `${redis.host}:${redis.port}`,
      MYSQL: `${mysql.host}:${mysql.port}`,
    },
  });
  const [code, signal]: unknown[] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${name} ended with ${String(code ?? signal)}`);
}
