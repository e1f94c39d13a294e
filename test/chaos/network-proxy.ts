import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a proxy does to a request. */
export type NetworkFault =
  /** Closes both connections; the server does not receive the request. */
  | { readonly kind: 'cut' }
  /** Holds back the request and all that follow it for a while. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The server executes the request; its reply is dropped and both connections are closed. */
  | { readonly kind: 'drop-reply' }
  /** Closes the client's connection at once; the server receives the request later, from a client that is gone. */
  | { readonly kind: 'late'; readonly ms: number };

/** Decides what happens to a chunk of bytes from a client; undefined forwards it unchanged. */
export type ChooseNetworkFault = (bytes: Buffer) => NetworkFault | undefined;

/** How long a server may take to execute a late request before its connection is closed. */
const LATE_GRACE_MS = 500;

/** Forwards connections to a server on this machine, and fails in the ways that networks fail. */
export class NetworkProxy {
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #chooseFault: ChooseNetworkFault = () => undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<NetworkProxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    const proxy = new NetworkProxy(server, address.port);
    server.on('connection', (client) => proxy.#connect(client, target));
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Injects faults into all requests that follow, until `heal` is called. */
  injectFaults(chooseFault: ChooseNetworkFault): void {
    this.#chooseFault = chooseFault;
  }

  heal(): void {
    this.#chooseFault = () => undefined;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect(client: Socket, target: { readonly host: string; readonly port: number }): void {
    const upstream = connect({ host: target.host, port: target.port, noDelay: true });
    const connection = new ProxiedConnection(client, upstream);
    client.on('data', (bytes) => connection.request(bytes, this.#chooseFault(bytes)));
    upstream.on('data', (bytes) => connection.reply(bytes));
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined); // A `close` event follows.
      socket.on('close', () => {
        this.#sockets.delete(socket);
        connection.closed(socket);
      });
    }
  }
}

/** A client's connection to the proxy, and the proxy's connection to the server on the client's behalf. */
class ProxiedConnection {
  readonly #client: Socket;
  readonly #upstream: Socket;
  #dropsReplies = false;
  #isLate = false;

  constructor(client: Socket, upstream: Socket) {
    this.#client = client;
    this.#upstream = upstream;
  }

  request(bytes: Buffer, fault: NetworkFault | undefined): void {
    switch (fault?.kind) {
      case 'cut':
        this.#cut();
        return;
      case 'delay':
        this.#client.pause();
        setTimeout(() => {
          this.#upstream.write(bytes);
          this.#client.resume();
        }, fault.ms);
        return;
      case 'drop-reply':
        this.#dropsReplies = true;
        break;
      case 'late':
        this.#isLate = true;
        this.#client.destroy();
        setTimeout(() => {
          this.#upstream.write(bytes);
          setTimeout(() => this.#upstream.destroy(), LATE_GRACE_MS);
        }, fault.ms);
        return;
      case undefined:
        break;
    }
    this.#upstream.write(bytes);
  }

  reply(bytes: Buffer): void {
    if (this.#dropsReplies) this.#cut();
    else if (!this.#client.destroyed) this.#client.write(bytes);
  }

  closed(socket: Socket): void {
    if (socket === this.#upstream) this.#client.destroy();
    else if (!this.#isLate) this.#upstream.destroy();
  }

  #cut(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }
}
