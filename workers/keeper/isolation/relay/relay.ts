import { connect, createServer, type Server, type Socket } from 'node:net';
import { joinStreams } from '../../companions/join-streams';
import { listenOnSocket } from '../../door/listen-on-socket';
import type { RunDirectory } from '../../process/run-directory';
import { PROXY_DOOR } from '../own-network';

/**
 * Carries bytes through the wall of a browser's own network, both ways without reading them: from its forward proxy's
 * door there to the proxy, and from outside to its DevTools. DevTools come last, so that whoever reaches them finds a
 * browser that reaches its proxy.
 *
 * @throws what listening throws.
 */
export async function openRelay(directory: RunDirectory): Promise<void> {
  const toProxy = forwarding(() =>
    Promise.resolve(connect({ path: directory.proxySocket, allowHalfOpen: true })),
  );
  await new Promise<void>((resolve, reject) => {
    toProxy.once('error', reject);
    toProxy.listen(PROXY_DOOR.port, PROXY_DOOR.host, resolve);
  });
  await listenOnSocket(forwarding(devToolsOf(directory)), directory.devToolsSocket);
}

/* The port stays the same as long as the browser runs. */
function devToolsOf(directory: RunDirectory): () => Promise<Socket | null> {
  let port: number | null = null;
  return async () => {
    port ??= (await directory.devTools())?.port ?? null;
    return port === null ? null : connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  };
}

/** A server whose connections go on to another socket; null: there is none yet. */
function forwarding(onward: () => Promise<Socket | null>): Server {
  return createServer({ allowHalfOpen: true }, socket => {
    // An error is followed by `close`, which ends the other side.
    socket.on('error', () => undefined);
    void onward().then(
      other => {
        if (other === null || socket.destroyed) {
          other?.destroy();
          socket.destroy();
          return;
        }
        joinStreams(socket, other);
      },
      () => socket.destroy(),
    );
  });
}
