import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { BenchServers } from '../bench-servers.ts';
import type { Load } from '../loads/load.ts';
import type { Testbed } from '../testbed.ts';
import type { Candidate } from './candidate.ts';

/** The value of `--peer NAME=COMMAND`. */
export interface PeerCommand {
  readonly name: string;
  readonly command: string;
}

/**
 * Any other consumer of the streams: a shell command that exits once they are drained. The measured time is that of the
 * whole process. The command's output goes to stderr, so that it does not mix with the output of `--json`.
 */
export function commandPeer(
  { name, command }: PeerCommand,
  testbed: Testbed,
  servers: BenchServers,
  load: Load,
): Candidate {
  return {
    name,
    run: async () => {
      await testbed.fill(load);
      const startedAt = performance.now();
      await runCommand(name, command, servers);
      const seconds = (performance.now() - startedAt) / 1000;
      await testbed.verify(load, name);
      return { rate: load.entries / seconds };
    },
  };
}

async function runCommand(
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
  if (code === 0) return;
  const end = typeof code === 'number' ? `exit code ${code}` : `signal ${String(signal)}`;
  throw new Error(`the command of ${name} ended with ${end}`);
}
