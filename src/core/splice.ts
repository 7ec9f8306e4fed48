import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** How long a side that is being closed may take to read what was already sent to it. */
const LINGER_MS = 1_000;

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
   * Ends both sides. The client sees FIN behind everything the browser had sent, and therefore close code 1006:
   * a close frame of ours would be valid on a frame boundary only, and boundaries are not known without parsing.
   */
  close(): void;
  /** Never rejects: an error of either socket is an end like any other. */
  readonly closed: Promise<void>;
}

/**
 * Passes a WebSocket upgrade on and then carries bytes both ways without looking at them: the answer to the handshake,
 * good or bad, is the upstream's own. Compression is not offered upstream, so no hop has to touch a frame.
 */
export function spliceUpgrade(options: SpliceOptions): Splice {
  const { client, upstream, head, onClientBytes, fromClient } = options;
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setTimeout(0);
  }
  const closed = bothClosed(client, upstream);
  // What came before on a connection that was kept alive is none of this.
  const earlierBytes = client.bytesRead - head.length;

  upstream.write(upgradeRequest(options));
  if (head.length > 0) {
    onClientBytes?.();
    upstream.write(fromClient?.(head) ?? head);
  }
  carry(client, upstream, { onBytes: onClientBytes, change: fromClient });
  carry(upstream, client);
  // The HTTP server may hand the socket over paused.
  client.resume();

  return {
    bytes: () => ({ fromClient: client.bytesRead - earlierBytes, toClient: upstream.bytesRead }),
    close: () => {
      finish(client);
      finish(upstream);
    },
    closed,
  };
}

interface OnTheWay {
  readonly onBytes?: (() => void) | undefined;
  readonly change?: ((chunk: Buffer) => Buffer) | undefined;
}

/** `data` handlers instead of `pipe`: the same backpressure with fewer listeners and calls per chunk. */
function carry(from: Socket, to: Socket, { onBytes, change }: OnTheWay = {}): void {
  const resume = (): void => void from.resume();
  const onData = (chunk: Buffer): void => {
    onBytes?.();
    if (!to.write(change?.(chunk) ?? chunk)) {
      from.pause();
      to.once('drain', resume);
    }
  };
  from.on('data', onData);
  from.on('end', () => finish(to));
  from.on('close', () => finish(to));
  // An error is always followed by `close`, which ends the other side; there is nobody to tell it to.
  from.on('error', () => undefined);
  if (from.destroyed) finish(to);
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
