import type { Socket } from 'node:net';

/**
 * Destroys a socket as soon as its peer has closed its side. A socket that nobody reads does not notice that, and the
 * sockets of an HTTP server stay open after it. What the peer sends meanwhile stays unread, for the reader that comes.
 *
 * @returns stops watching; to be called before the socket is read
 */
export function destroyWhenHalfClosed(socket: Socket): () => void {
  // Asks for the end, which is reported only to those who read; with bytes before it there is none yet.
  const look = (): void => void socket.read(0);
  const onEnd = (): void => void socket.destroy();
  socket.on('readable', look);
  socket.on('end', onEnd);
  return () => {
    socket.off('readable', look);
    socket.off('end', onEnd);
  };
}
