import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { closeFrame, ServerFrames, type Closing } from './server-frames';

/** How long a side that is being closed may take to read the bytes already sent to it. */
const LINGER_MS = 1_000;

/** How long the current frame may take to end before the client is closed in its middle. */
const FRAME_END_MS = 500;

/** After this long without traffic the kernel starts to probe whether the peer still exists. */
const KEEP_ALIVE_MS = 30_000;

/** The handshake headers that matter to the other end. Origin and extensions are not forwarded on purpose. */
const FORWARDED = ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol'] as const;

/** The two sockets to join, and how. */
export interface SpliceOptions {
  /** The socket of the client's upgrade request, as the HTTP server handed it over. */
  readonly client: Socket;
  /** What the client had already sent after its request. */
  readonly head: Buffer;
  readonly request: IncomingMessage;
  /** A connected socket to the browser or to the next hop. */
  readonly upstream: Socket;
  /** Path with query of the upgrade request to the upstream. */
  readonly upstreamPath: string;
  /** Value of the Host header; Chromium accepts only an IP address or `localhost`. */
  readonly upstreamHost: string;
  /** Called for every chunk from the client; must be cheap. */
  readonly onClientBytes?: () => void;
  /** Called with every chunk from the upstream, handshake included. */
  readonly onUpstreamBytes?: (chunk: Buffer) => void;
  /** Returns what to forward of a chunk from the client; default: all of it. */
  readonly fromClient?: (chunk: Buffer) => Buffer;
  /**
   * Called once when the upstream has closed by itself under an open WebSocket. The client is left open, so that the
   * owner of the splice can send the reason with `close`, which it must call. Default: the client is closed without a
   * close frame.
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
  /** The bytes carried so far, from the sockets' own counters; also works when they are closed. */
  bytes(): SplicedBytes;
  /**
   * Ends both sides. The client gets everything the browser had sent and then, with `onUpstreamGone`, a close frame
   * with the reason, as soon as the browser's current frame has ended. Without `onUpstreamGone`, and if that takes too
   * long, it sees FIN, which is code 1006.
   */
  close(closing?: Closing): void;
  /** Never rejects: an error of either socket counts as an end. */
  readonly closed: Promise<void>;
}

/**
 * Forwards a WebSocket upgrade and then carries bytes both ways without reading them: the answer to the handshake, also
 * a refusal, is the upstream's own. Compression is not offered upstream, so that no hop has to change a frame.
 */
export function spliceUpgrade(options: SpliceOptions): Splice {
  const { client, upstream, head, onClientBytes, onUpstreamBytes, fromClient, onUpstreamGone } = options;
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setTimeout(0);
  }
  const closed = bothClosed(client, upstream);
  // Earlier requests on a kept-alive connection do not count.
  const earlierBytes = client.bytesRead - head.length;
  const clientClosing =
    onUpstreamGone === undefined ? null : new ClientClosing(client, upstream, onUpstreamGone);

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
    () => (clientClosing === null ? finish(client) : clientClosing.onGone()),
    chunk => {
      onUpstreamBytes?.(chunk);
      clientClosing?.onCarried(chunk);
    },
  );
  // The HTTP server may hand the socket over paused.
  client.resume();

  return {
    bytes: () => ({ fromClient: client.bytesRead - earlierBytes, toClient: upstream.bytesRead }),
    close: closing => {
      if (clientClosing !== null && closing !== undefined) return clientClosing.send(closing);
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
    if (to.writableEnded) return; // being closed: keep reading, or a reset would destroy what the peer has not read yet
    if (!to.write(change(chunk))) {
      from.pause();
      to.once('drain', resume);
    }
    onCarried?.(chunk);
  };
  from.on('data', onData);
  from.on('end', onGone);
  from.on('close', onGone);
  // An error is always followed by `close`, which ends the other side; nothing else needs to know.
  from.on('error', () => undefined);
  if (from.destroyed) onGone();
}

/** The end of one client: decides when its close frame may be sent, and what happens if it cannot. */
class ClientClosing {
  readonly #frames = new ServerFrames();
  #closing: Closing | null = null;
  #isGone = false;

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
    private readonly onUpstreamGone: () => void,
  ) {}

  /** Takes the bytes sent to the client. */
  readonly onCarried = (chunk: Buffer): void => {
    this.#frames.push(chunk);
    if (this.#closing !== null) this.#trySend(this.#closing);
  };

  /**
   * The upstream ends. Does nothing for a client that has got a close frame already, or whose handshake was refused.
   */
  onGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#closing !== null || !this.#frames.isBetweenFrames || this.client.writableEnded)
      finish(this.client);
    else this.onUpstreamGone();
  }

  /** Sends the close frame as soon as that is possible. */
  send(closing: Closing): void {
    if (this.#closing !== null) return;
    this.#closing = closing;
    if (!this.#frames.isOpen || this.client.writableEnded) this.#endBoth();
    else this.#trySend(closing);
    if (this.client.writableEnded) return;
    const timer = setTimeout(() => this.#endBoth(), FRAME_END_MS);
    this.client.once('close', () => clearTimeout(timer));
  }

  #trySend(closing: Closing): void {
    if (!this.#frames.isBetweenFrames || this.client.writableEnded) return;
    // Not destroyed right after the write: if bytes of the client are unread, that sends a reset, which may overtake
    // the frame.
    this.client.end(closeFrame(closing));
    this.client.resume();
    const timer = setTimeout(() => this.client.destroy(), LINGER_MS);
    this.client.once('close', () => clearTimeout(timer));
    finish(this.upstream);
  }

  #endBoth(): void {
    finish(this.client);
    finish(this.upstream);
  }
}

/** Lets the bytes already written reach the peer, for a limited time. */
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
