import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** After this long without traffic the kernel starts to probe whether the peer still exists. */
const KEEP_ALIVE_MS = 30_000;

/**
 * Carries bytes both ways. Each direction ends separately (half-close); when one side is closed, the other is closed,
 * too.
 */
export function joinStreams(client: Duplex, upstream: Duplex): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    if (from instanceof Socket) {
      from.setNoDelay(true);
      from.setKeepAlive(true, KEEP_ALIVE_MS);
      from.setTimeout(0);
    }
    from.on('error', () => undefined); // followed by `close`
    from.once('close', () => finish(to));
    from.pipe(to);
  }
}

/* Lets the bytes already written reach the peer. */
function finish(stream: Duplex): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket) stream.destroySoon();
  else stream.destroy();
}
