import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A TCP proxy between the product and its Redis, so that the network can fail and not only the server. A black hole
 * accepts connections and carries nothing, like a dead route or a firewall that has lost its state.
 */
export class RedisProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [client: Socket, upstream: Socket]>();
  #isBlackHole = false;
  #returnMs: () => number = () => 0;

  private constructor(private readonly redisSocketPath: string) {
    this.#server = createServer(client => this.#join(client));
  }

  /** Listens on a free port of loopback. */
  static async start(redisSocketPath: string): Promise<RedisProxy> {
    const proxy = new RedisProxy(redisSocketPath);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** For `REDIS_URL`. */
  get url(): string {
    // SAFETY: a server that listens on a port has an address of this form.
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing is carried, in either direction; connections stay open and new ones are accepted. */
  blackHole(): void {
    this.#isBlackHole = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** Carries again, first the bytes that were held back: after a network failure TCP still delivers them. */
  heal(): void {
    this.#isBlackHole = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** Forgets the open connections, like a firewall that has lost its state; new connections are carried. */
  forget(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** Resets every connection that is open now. */
  cut(): void {
    for (const [client, upstream] of this.#pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** From now on each new connection is accepted at once but carries nothing for this long. */
  returnAfter(ms: () => number): void {
    this.#returnMs = ms;
  }

  /** Ends every connection and the server. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await closed;
  }

  #join(client: Socket): void {
    const upstream = connect(this.redisSocketPath);
    const returnMs = this.#returnMs();
    if (returnMs > 0) {
      client.pause();
      setTimeout(() => (this.#isBlackHole ? undefined : client.resume()), returnMs);
    }
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('data', chunk => void to.write(chunk));
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      // An error is followed by `close`.
      from.on('error', () => undefined);
      if (this.#isBlackHole) from.pause();
    }
  }
}
