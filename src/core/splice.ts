import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { closeFrame, ServerFrames, type Closing } from './server-frames';

/** How long a side that is being closed may take to read what was already sent to it. */
const LINGER_MS = 1_000;

/** How long the frame that is under way may take to end, before a client is closed in its middle. */
const FRAME_END_MS = 500;

/** After this long without traffic the kernel starts to probe whether the peer still exists. */
const KEEP_ALIVE_MS = 30_000;

/** The handshake headers that matter to the other end. Origin and extensions stay here on purpose. */
const FORWARDED = ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol'] as const;

/** What is joined with what. */
export interface SpliceOptions {
  /** The socket of the client's upgrade request, as the HTTP server handed it over. */
  readonly client: Socket;
  /** What the client had already sent behind its request. */
  readonly head: Buffer;
  readonly request: IncomingMessage;
  /** A connected socket to the browser or to the next hop. */
  readonly upstream: Socket;
  /** Path with query that the upgrade asks for over there. */
  readonly upstreamPath: string;
  /** Value of the Host header; Chromium accepts only an IP address or `localhost`. */
  readonly upstreamHost: string;
  /** Called for every chunk from the client; must be cheap. */
  readonly onClientBytes?: () => void;
  /** What is sent on of a chunk from the client; default: all of it. */
  readonly fromClient?: (chunk: Buffer) => Buffer;
  /**
   * Called once when the upstream has gone by itself under an open WebSocket. The client is left open, so that whoever knows why can
   * tell it with `close`, which must be called then. Default: the client is closed without a word.
   */
  readonly onUpstreamGone?: () => void;
}

/** Bytes carried each way, handshakes included. */
export interface SplicedBytes {
  readonly fromClient: number;
  readonly toClient: number;
}

/** Two sockets joined; both are gone when `closed` resolves. */
export interface Splice {
  /** What was carried so far, as the sockets have counted it themselves; also when they are closed. */
  bytes(): SplicedBytes;
  /**
   * Ends both sides. The client gets everything the browser had sent and then, with `onUpstreamGone`, a close frame that says why: as soon as
   * no frame of the browser's is in its middle. Without it, and where that takes too long, it sees FIN, which is code 1006.
   */
  close(closing?: Closing): void;
  /** Never rejects: an error of either socket is an end like any other. */
  readonly closed: Promise<void>;
}

/**
 * Passes a WebSocket upgrade on and then carries bytes both ways without looking at them: the answer to the handshake,
 * good or bad, is the upstream's own. Compression is not offered upstream, so no hop has to touch a frame.
 */
export function spliceUpgrade(options: SpliceOptions): Splice {
  const { client, upstream, head, onClientBytes, fromClient, onUpstreamGone } = options;
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setTimeout(0);
  }
  const closed = bothClosed(client, upstream);
  // What came before on a connection that was kept alive is none of this.
  const earlierBytes = client.bytesRead - head.length;
  const goodbye = onUpstreamGone === undefined ? null : new Goodbye(client, upstream, onUpstreamGone);

  upstream.write(upgradeRequest(options));
  const forward = (chunk: Buffer): Buffer => {
    onClientBytes?.();
    return fromClient?.(chunk) ?? chunk;
  };
  if (head.length > 0) upstream.write(forward(head));
  carry(client, upstream, forward, () => finish(upstream));
  carry(
    upstream,
    client,
    chunk => chunk,
    () => (goodbye === null ? finish(client) : goodbye.onGone()),
    goodbye?.onCarried,
  );
  // The HTTP server may hand the socket over paused.
  client.resume();

  return {
    bytes: () => ({ fromClient: client.bytesRead - earlierBytes, toClient: upstream.bytesRead }),
    close: closing => {
      if (goodbye !== null && closing !== undefined) return goodbye.say(closing);
      finish(client);
      finish(upstream);
    },
    closed,
  };
}

/** `data` handlers instead of `pipe`: the same backpressure with fewer listeners and calls per chunk. */
function carry(
  from: Socket,
  to: Socket,
  change: (chunk: Buffer) => Buffer,
  onGone: () => void,
  onCarried?: (chunk: Buffer) => void,
): void {
  const resume = (): void => void from.resume();
  const onData = (chunk: Buffer): void => {
    if (to.writableEnded) return; // being closed: read on, or what the peer still gets would be lost with a reset
    if (!to.write(change(chunk))) {
      from.pause();
      to.once('drain', resume);
    }
    onCarried?.(chunk);
  };
  from.on('data', onData);
  from.on('end', onGone);
  from.on('close', onGone);
  // An error is always followed by `close`, which ends the other side; there is nobody to tell it to.
  from.on('error', () => undefined);
  if (from.destroyed) onGone();
}

/** The end of one client: when its close frame may be sent, and what happens if it cannot. */
class Goodbye {
  readonly #frames = new ServerFrames();
  #closing: Closing | null = null;
  #isGone = false;

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
    private readonly onUpstreamGone: () => void,
  ) {}

  /** Takes what the client has been sent. */
  readonly onCarried = (chunk: Buffer): void => {
    this.#frames.push(chunk);
    if (this.#closing !== null) this.#tryToSay(this.#closing);
  };

  /** The upstream ends. Nobody need be told who has been told already, or was never let in. */
  onGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#closing !== null || !this.#frames.isBetweenFrames || this.client.writableEnded)
      finish(this.client);
    else this.onUpstreamGone();
  }

  /** Says why, as soon as that is possible. */
  say(closing: Closing): void {
    if (this.#closing !== null) return;
    this.#closing = closing;
    if (!this.#frames.isOpen || this.client.writableEnded) this.#hangUp();
    else this.#tryToSay(closing);
    if (this.client.writableEnded) return;
    const timer = setTimeout(() => this.#hangUp(), FRAME_END_MS);
    this.client.once('close', () => clearTimeout(timer));
  }

  #tryToSay(closing: Closing): void {
    if (!this.#frames.isBetweenFrames || this.client.writableEnded) return;
    // Not destroyed as soon as it is written: with bytes of the client unread that would be a reset, which may overtake the frame.
    this.client.end(closeFrame(closing));
    this.client.resume();
    const timer = setTimeout(() => this.client.destroy(), LINGER_MS);
    this.client.once('close', () => clearTimeout(timer));
    finish(this.upstream);
  }

  #hangUp(): void {
    finish(this.client);
    finish(this.upstream);
  }
}

/** Lets what is already written reach the peer, but not for ever. */
function finish(socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) return;
  socket.destroySoon();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

function upgradeRequest({ request, upstreamPath, upstreamHost }: SpliceOptions): string {
  const forwarded = FORWARDED.flatMap(name => {
    const value = request.headers[name];
    return value === undefined ? [] : [`${name}: ${value}`];
  });
  return [
    `GET ${upstreamPath} HTTP/1.1`,
    `host: ${upstreamHost}`,
    'connection: Upgrade',
    'upgrade: websocket',
    ...forwarded,
    '\r\n',
  ].join('\r\n');
}

async function bothClosed(...sockets: Socket[]): Promise<void> {
  await Promise.all(
    sockets.map(
      socket =>
        new Promise<void>(resolve => {
          if (socket.closed) resolve();
          else socket.once('close', () => resolve());
        }),
    ),
  );
}
