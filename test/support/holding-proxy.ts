import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A network in front of a server that can hold the answers back: the server has acted, and its client still waits. So a
 * test knows that the client is in the middle of something, and decides how long.
 */
export class HoldingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #heldBack: (() => void)[] = [];
  #isHolding = false;
  #onHeld: () => void = () => undefined;

  private constructor(private readonly targetPort: number) {
    this.#server = createServer(client => this.#join(client));
  }

  /** Listens on a free port of loopback, in front of another port of it. */
  static async start(targetPort: number): Promise<HoldingProxy> {
    const proxy = new HoldingProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    // SAFETY: a server that listens on a port has an address of this form.
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on answers are held back. Resolves when there is the first one. */
  hold(): { readonly firstAnswer: Promise<void> } {
    this.#isHolding = true;
    return { firstAnswer: new Promise(resolve => (this.#onHeld = resolve)) };
  }

  /** Passes on what was held back, and all that follows. */
  pass(): void {
    this.#isHolding = false;
    for (const send of this.#heldBack.splice(0)) send();
  }

  /** Ends every connection and the server. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(client: Socket): void {
    const upstream = connect(this.targetPort, '127.0.0.1');
    client.on('data', chunk => void upstream.write(chunk));
    upstream.on('data', chunk => {
      const send = (): void => void client.write(chunk);
      if (!this.#isHolding) return send();
      this.#heldBack.push(send);
      this.#onHeld();
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      // An error is followed by `close`.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
