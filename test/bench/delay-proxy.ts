import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

/**
 * Starts a proxy to a port of this machine. It delays each reply, like a distant server.
 * @returns the port of the proxy, which runs until this process ends
 */
export async function startDelayProxy(port: number, delayMs: number): Promise<number> {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = createConnection({ host: '127.0.0.1', port, noDelay: true });
    client.pipe(upstream);
    if (delayMs === 0) upstream.pipe(client);
    else pipeDelayed(upstream, client, delayMs);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.on('close', () => upstream.destroy());
  });
  server.unref();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  return address.port;
}

/** Timers with the same delay fire in the order in which they were set, so the bytes stay in order. */
function pipeDelayed(from: Socket, to: Socket, delayMs: number): void {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), delayMs));
  from.on('close', () => setTimeout(() => to.end(), delayMs));
}
