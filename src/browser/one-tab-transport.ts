import { once } from 'node:events';
import type { ConnectionTransport } from 'puppeteer';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { openWebSocket, type Route } from './dial';

/** A PDF or a screenshot of a long page, Base64. */
const MESSAGE_MAX_BYTES = 256 * 2 ** 20;

const AUTO_ATTACH = 'Target.setAutoAttach';

const command = z.looseObject({
  id: z.int(),
  method: z.string(),
  params: z.looseObject({}).default({}),
  sessionId: z.string().optional(),
});

/** What belongs to a page of a tab: itself, and the frames that have a process of their own. */
const PARTS_OF_A_PAGE = [{ type: 'page' }, { type: 'iframe' }];

/**
 * Puppeteer's connection to a browser, narrowed to one tab. By itself Puppeteer attaches to every target, and makes new
 * ones wait until it lets them run: while our process stalls, no worker and no popup of the session's other clients
 * would start. `targetFilter` does not change this, since it filters after the attaching (measured; ADR 49).
 */
export class OneTabTransport implements ConnectionTransport {
  /** Set by Puppeteer. */
  onmessage?: (message: string) => void;
  /** Set by Puppeteer. */
  onclose?: () => void;

  private constructor(
    private readonly socket: WebSocket,
    private readonly tabId: string,
  ) {
    // SAFETY: with the default binaryType every message is one Buffer.
    socket.on('message', data => this.onmessage?.((data as Buffer).toString()));
    socket.once('close', () => this.onclose?.());
    // A close follows.
    socket.on('error', () => undefined);
  }

  /**
   * Connects.
   *
   * @param signal - disconnects at once
   * @throws what the socket throws, or the signal's reason.
   */
  static async open(route: Route, tabId: string, signal: AbortSignal): Promise<OneTabTransport> {
    signal.throwIfAborted();
    const socket = openWebSocket(route, {
      perMessageDeflate: false,
      maxPayload: MESSAGE_MAX_BYTES,
      // As in Puppeteer's own transport: what one message has settled runs before the next is read.
      allowSynchronousEvents: false,
    });
    signal.addEventListener('abort', () => socket.terminate(), { once: true });
    await once(socket, 'open');
    return new OneTabTransport(socket, tabId);
  }

  /** Sends a command of Puppeteer. */
  send(message: string): void {
    this.socket.send(narrowed(message, this.tabId));
  }

  /** Disconnects. */
  close(): void {
    this.socket.terminate();
  }
}

/**
 * A command of Puppeteer as it is sent. Attaching to every target of the browser becomes attaching to the tab;
 * attaching to everything inside of it becomes attaching to its page and frames, without making them wait.
 */
export function narrowed(message: string, tabId: string): string {
  if (!message.includes(AUTO_ATTACH)) return message;
  const { id, method, params, sessionId } = command.parse(JSON.parse(message));
  if (method !== AUTO_ATTACH) return message;
  if (sessionId === undefined)
    return JSON.stringify({
      id,
      method: 'Target.attachToTarget',
      params: { targetId: tabId, flatten: true },
    });
  const gentle = { ...params, waitForDebuggerOnStart: false, filter: PARTS_OF_A_PAGE };
  return JSON.stringify({ id, method, params: gentle, sessionId });
}
