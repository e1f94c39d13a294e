import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { startBenchServers } from './bench-servers.ts';
import type { PeerCommand } from './candidates/peer-command.ts';
import { type RsyslogProgram, unpackRsyslog } from './candidates/rsyslog-package.ts';
import { Testbed } from './testbed.ts';
import type { Bench } from './workloads/workload.ts';

/** Starts the servers and prepares the other things that workloads need, runs the task, and cleans up. */
export async function withBench<Result>(
  { entries, peers }: { readonly entries: number; readonly peers: readonly PeerCommand[] },
  task: (bench: Bench) => Promise<Result>,
): Promise<Result> {
  const servers = await startBenchServers();
  const directory = await mkdtemp(`${tmpdir()}/background-consumer-`);
  let rsyslog: Promise<RsyslogProgram> | undefined;
  try {
    return await task({
      servers,
      testbed: new Testbed(servers),
      entries,
      peers,
      rsyslog: () => {
        rsyslog ??= unpackRsyslog(directory);
        return rsyslog;
      },
    });
  } finally {
    await Promise.all([servers.stop(), rm(directory, { recursive: true })]);
  }
}
