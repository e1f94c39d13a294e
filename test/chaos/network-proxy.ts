import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a proxy does to a request. */
export type Fault =
  /** Cuts both connections; the server doesn't get the request. */
  | { readonly kind: 'cut' }
  /** Holds the request, and all that follows it, for a while. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The server acts; its reply is dropped and the client's connection cut. */
  | { readonly kind: 'drop-reply' }
  /** Cuts the client off at once; the server gets the request later, from a client that is no longer there. */
  | { readonly kind: 'late'; readonly ms: number };

/** Decides about each piece of a client's bytes; undefined lets it through. */
export type ChooseFault = (bytes: Buffer) => Fault | undefined;

/** How long a server may take to act on a late request before its connection is closed. */
const LATE_GRACE_MS = 500;

/** Stands between a client and a server on this machine, and may fail in the ways that networks do. */
export class NetworkProxy {
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #chooseFault: ChooseFault = () => undefined;

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

  /** From now on. */
  failBy(chooseFault: ChooseFault): void {
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
    const upstream = connect({ ...target, noDelay: true });
    const link = new Link(client, upstream);
    client.on('data', (bytes) => link.request(bytes, this.#chooseFault(bytes)));
    upstream.on('data', (bytes) => link.reply(bytes));
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined); // Followed by `close`.
      socket.on('close', () => {
        this.#sockets.delete(socket);
        link.closed(socket);
      });
    }
  }
}

/** A client's connection and the one to the server that stands for it. */
class Link {
  readonly #client: Socket;
  readonly #upstream: Socket;
  #dropsReplies = false;
  #isLate = false;

  constructor(client: Socket, upstream: Socket) {
    this.#client = client;
    this.#upstream = upstream;
  }

  request(bytes: Buffer, fault: Fault | undefined): void {
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
