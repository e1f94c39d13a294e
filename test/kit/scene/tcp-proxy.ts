import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A proxy that can block like a network that drops packets: neither side learns that the connection is broken. */
export interface TcpProxy {
  readonly port: number;
  /** Drops all further data in both directions. */
  block(): void;
  /** Leads further connections to another server, like a DNS name after a failover. */
  redirect(target: Target): void;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

export async function startTcpProxy(firstTarget: Target): Promise<TcpProxy> {
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
  const redirect = (next: Target): void => {
    target = next;
  };
  return { port: address.port, block, redirect };
}
