import type { WebSocket } from 'ws';
import { z } from 'zod';
import { settlesWithin, withDeadline } from '../../../src/core/abort';
import { openDevTools, type DevToolsAddress } from '../process/devtools';

/** How long a browser whose socket accepts may take to open a page. */
const OPEN_TIMEOUT_MS = 15_000;

/** Only answers and events about pages arrive. */
const MESSAGE_MAX_BYTES = 2 ** 20;

const message = z.union([
  z.object({ id: z.number().int(), error: z.object({ message: z.string() }) }),
  z.object({ id: z.number().int(), result: z.object({ targetId: z.string().optional() }) }),
  z.object({
    method: z.enum(['Target.targetDestroyed', 'Target.targetCrashed']),
    params: z.object({ targetId: z.string() }),
  }),
]);

type Answer = Extract<z.output<typeof message>, { id: number }>;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens the first page of a browser that nobody has yet, and watches it. The connection attaches to no target and sets
 * nothing that lasts, so that nothing of it is left when it is closed.
 */
export class PageWatch {
  /** Resolves when the connection breaks, or the page is gone. Never rejects. */
  readonly lost: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #targetId: string | null = null;
  #onLost: () => void = () => undefined;

  private constructor(private readonly socket: WebSocket) {
    this.lost = new Promise(resolve => (this.#onLost = resolve));
    socket.on('message', data => {
      // SAFETY: with the default binaryType every message is one Buffer.
      this.#receive((data as Buffer).toString());
    });
    socket.on('error', () => undefined); // followed by `close`
    socket.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('it closed the connection'));
      this.#onLost();
    });
  }

  /** @throws if the browser does not open the page. */
  static async open(
    address: DevToolsAddress,
    command: { readonly method: string; readonly params: object },
  ): Promise<PageWatch> {
    const watch = new PageWatch(openDevTools(address, MESSAGE_MAX_BYTES));
    try {
      await withDeadline('opening the first page', OPEN_TIMEOUT_MS, watch.#begin(command));
      return watch;
    } catch (error) {
      watch.close();
      throw error;
    }
  }

  /** Whether the browser answers within `patienceMs`. */
  answers(patienceMs: number): Promise<boolean> {
    return settlesWithin(this.#call('Browser.getVersion', {}), patienceMs).catch(() => false);
  }

  /** Disconnects; the page stays. */
  close(): void {
    this.socket.terminate();
  }

  async #begin({ method, params }: { readonly method: string; readonly params: object }): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
    });
    const made = await this.#call(method, params);
    if ('error' in made) throw new Error(`the browser opens no page: ${made.error.message}`);
    this.#targetId = made.result.targetId ?? null;
    await this.#call('Target.setDiscoverTargets', { discover: true, filter: [{ type: 'page' }] });
  }

  #call(method: string, params: object): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // Fails if the connection is closed already.
      this.socket.send(JSON.stringify({ id, method, params }), error => {
        if (error) reject(error);
      });
    });
  }

  /* Nobody has used the page, but what a browser sends is never trusted. */
  #receive(text: string): void {
    const received = message.safeParse(parsed(text)).data;
    if (received === undefined) return;
    if ('id' in received) {
      this.#waiting.get(received.id)?.resolve(received);
      this.#waiting.delete(received.id);
    } else if (received.params.targetId === this.#targetId) this.#onLost();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no schema takes it
  }
}
