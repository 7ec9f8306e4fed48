import type WebSocket from 'ws';
import { open } from './upgrade';

/** A bare CDP client: it enables nothing by itself, and reads only when the test lets it. */
export class RawCdp {
  #id = 0;
  readonly #waiting = new Map<number, (result: unknown) => void>();

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      // Events may be large and many, so only answers are parsed: they begin with their id.
      const [, id] = /^{"id":(\d+)/.exec(data.subarray(0, 20).toString()) ?? [];
      if (id === undefined) return;
      // SAFETY: Chromium speaks JSON.
      const { result } = JSON.parse(data.toString()) as { result?: unknown };
      this.#waiting.get(Number(id))?.(result);
    });
  }

  /** Connects to the WebSocket of a session. */
  static async connect(url: string): Promise<RawCdp> {
    return new RawCdp(await open(url));
  }

  /** Uses a WebSocket that is open. */
  static over(socket: WebSocket): RawCdp {
    return new RawCdp(socket);
  }

  /** Calls a method of the browser, or of a page it is attached to; the caller knows what it answers. */
  async call<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    this.#id += 1;
    const id = this.#id;
    const answered = new Promise(resolve => this.#waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    // SAFETY: the caller knows the type of the answer, as said above.
    return (await answered) as T;
  }

  /** Attaches to the first page; answers the id of the CDP session. */
  async attachToPage(): Promise<string> {
    const { targetInfos } = await this.call<{ targetInfos: { type: string; targetId: string }[] }>(
      'Target.getTargets',
    );
    const targetId = targetInfos.find(({ type }) => type === 'page')?.targetId;
    const params = { targetId, flatten: true };
    return (await this.call<{ sessionId: string }>('Target.attachToTarget', params)).sessionId;
  }
}
