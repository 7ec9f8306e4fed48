import { WebSocket } from 'ws';

/**
 * The least that can evaluate an expression in the first page of a browser. There is no library between the clock and
 * the socket, so the figures show the cost of one more hop.
 */
export class CdpClient {
  readonly #pending = new Map<number, (answer: string) => void>();
  #nextId = 1;
  #sessionId = '';

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', data => {
      // SAFETY: with the default binaryType every message is one Buffer.
      const answer = (data as Buffer).toString();
      const id = Number(/^\{"id":(\d+)/.exec(answer)?.[1] ?? 0);
      this.#pending.get(id)?.(answer);
      this.#pending.delete(id);
    });
  }

  /** Connects and attaches to the first page. */
  static async open(url: string): Promise<CdpClient> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    const client = new CdpClient(socket);
    const { targetInfos } = await client.#ask<{ targetInfos: { type: string; targetId: string }[] }>(
      'Target.getTargets',
      {},
    );
    const targetId = targetInfos.find(({ type }) => type === 'page')?.targetId;
    const { sessionId } = await client.#ask<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    });
    client.#sessionId = sessionId;
    return client;
  }

  /** One round trip. */
  evaluate(): Promise<string> {
    return this.#send('Runtime.evaluate', { expression: '1+1' });
  }

  /** `total` evaluations, `inFlight` of them at a time. */
  async flood(total: number, inFlight: number): Promise<void> {
    let sent = 0;
    const lane = async (): Promise<void> => {
      while (sent < total) {
        sent += 1;
        await this.evaluate();
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  }

  close(): void {
    this.socket.terminate();
  }

  #send(method: string, params: object): Promise<string> {
    const id = this.#nextId++;
    const session = this.#sessionId === '' ? {} : { sessionId: this.#sessionId };
    return new Promise(resolve => {
      this.#pending.set(id, resolve);
      this.socket.send(JSON.stringify({ id, method, params, ...session }));
    });
  }

  async #ask<T>(method: string, params: object): Promise<T> {
    // SAFETY: the callers know what CDP answers; anything else fails the benchmark.
    return (JSON.parse(await this.#send(method, params)) as { result: T }).result;
  }
}
