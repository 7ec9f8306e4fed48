import type { WebSocket } from 'ws';
import { z } from 'zod';
import { openDevTools, type DevToolsAddress } from '../process/devtools';

/** Answers to the few commands that a keeper sends are far shorter. */
const MESSAGE_MAX_BYTES = 2 ** 20;

const answer = z.union([
  z.object({ id: z.int(), error: z.object({ message: z.string() }) }),
  z.object({ id: z.int(), result: z.looseObject({}) }),
]);

interface Waiting {
  readonly resolve: (result: object) => void;
  readonly reject: (error: Error) => void;
}

/** Commands to a browser over a connection of the keeper's own; events are not read. */
export class DevToolsCalls {
  /** Rejects if the browser does not accept the connection. */
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(address: DevToolsAddress) {
    const socket = openDevTools(address, MESSAGE_MAX_BYTES);
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('close', () => reject(new Error('it closed the connection')));
    });
    this.opened.catch(() => undefined); // also if nobody waits
    // SAFETY: with the default binaryType every message is one Buffer.
    socket.on('message', data => this.#receive((data as Buffer).toString()));
    socket.on('error', () => undefined); // followed by `close`
    socket.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('it closed the connection'));
    });
  }

  /** Sends a command; `sessionId` is the one of an attached target. @throws if it fails, or the connection breaks. */
  call(method: string, params: object, sessionId?: string): Promise<object> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }), error => {
        if (error) reject(error);
      });
    });
  }

  /** Disconnects: what it had attached is detached. */
  close(): void {
    this.#socket.terminate();
  }

  /* What a browser sends is never trusted. */
  #receive(text: string): void {
    const received = answer.safeParse(parsed(text)).data;
    if (received === undefined) return; // an event
    const waiting = this.#waiting.get(received.id);
    this.#waiting.delete(received.id);
    if ('error' in received) waiting?.reject(new Error(received.error.message));
    else waiting?.resolve(received.result);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no schema takes it
  }
}
