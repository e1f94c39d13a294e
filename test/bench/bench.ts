import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { startBenchServers } from './bench-servers.ts';
import type { PeerCommand } from './candidates/peer-command.ts';
import { type RsyslogProgram, unpackRsyslog } from './candidates/rsyslog-package.ts';
import { Stage } from './testbed.ts';
import type { Bench } from './workloads/workload.ts';

/** Lends `work` servers and all else that workloads need, and removes it afterwards. */
export async function withBench<Result>(
  { entries, peers }: { readonly entries: number; readonly peers: readonly PeerCommand[] },
  work: (bench: Bench) => Promise<Result>,
): Promise<Result> {
  const servers = await startBenchServers();
  const directory = await mkdtemp(`${tmpdir()}/background-consumer-`);
  let rsyslog: Promise<RsyslogProgram> | undefined;
  try {
    return await work({
      servers,
      stage: new Stage(servers),
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
