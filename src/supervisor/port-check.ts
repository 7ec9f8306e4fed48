import { createServer } from 'node:net';

/**
 * Whether a TCP port can be bound right now. It only turns a restart loop into one clear message: another process may
 * still take the port a moment later.
 */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    // Only EADDRINUSE counts; other errors (EACCES, no such address) are better reported by the API itself.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
