import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

/**
 * Starts a proxy to a port of this machine that holds each answer back for a while, as distance does.
 * @returns its own port; it ends with this process
 */
export async function startDelayProxy(port: number, delayMs: number): Promise<number> {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = createConnection({ host: '127.0.0.1', port, noDelay: true });
    client.pipe(upstream);
    if (delayMs === 0) upstream.pipe(client);
    else pipeLate(upstream, client, delayMs);
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

/** Timers of the same length fire in the order in which they were set, so the bytes keep theirs. */
function pipeLate(from: Socket, to: Socket, delayMs: number): void {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), delayMs));
  from.on('close', () => setTimeout(() => to.end(), delayMs));
}
