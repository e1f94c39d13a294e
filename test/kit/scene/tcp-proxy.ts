import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

/** A proxy that can block like a network that drops packets: neither side learns that the connection is broken. */
export interface TcpProxy {
  readonly port: number;
  /** Drops all further data in both directions. */
  block(): void;
  /** Leads new connections to another server, as a DNS name does after a failover. Existing ones stay. */
  leadTo(target: TcpTarget): void;
}

export async function startTcpProxy(firstTarget: TcpTarget): Promise<TcpProxy> {
  let target = firstTarget;
  const sockets: Socket[] = [];
  let isBlocked = false;
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.push(from);
      from.on('error', () => {});
      from.on('data', (bytes) => {
        if (!isBlocked) to.write(bytes);
      });
      from.on('close', () => {
        if (!isBlocked) to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const block = (): void => {
    isBlocked = true;
  };
  const leadTo = (next: TcpTarget): void => {
    target = next;
  };
  return { port: address.port, block, leadTo };
}
