import type { Socket } from 'node:net';

/**
 * Reads exactly so many bytes of a socket that nobody else reads, however they are split; later ones stay in it.
 *
 * @param closed - makes the error for a connection that ends before
 * @throws that error, or what the socket has failed with.
 */
export async function readExactly(socket: Socket, length: number, closed: () => Error): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let missing = length; missing > 0;) {
    if (socket.destroyed) throw socket.errored ?? closed();
    // All that is there: Node says at once, again and again, that a socket with bytes in it is readable.
    // SAFETY: a socket without an encoding reads buffers.
    const bytes = socket.read(Math.min(missing, socket.readableLength)) as Buffer | null;
    if (bytes !== null) {
      chunks.push(bytes);
      missing -= bytes.length;
    } else if (socket.readableEnded) throw closed();
    else await untilReadable(socket);
  }
  return Buffer.concat(chunks);
}

function untilReadable(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const wake = (): void => {
      for (const event of ['readable', 'end', 'close']) socket.off(event, wake);
      resolve();
    };
    for (const event of ['readable', 'end', 'close']) socket.on(event, wake);
  });
}
