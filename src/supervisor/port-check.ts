import { createServer } from 'node:net';

/**
 * Whether a TCP port could be bound right now. Only a courtesy that turns a restart loop into one clear line: somebody
 * else may take the port a moment later.
 */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    // EADDRINUSE is what is looked for; of any other error (EACCES, no such address) the API itself speaks better.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
