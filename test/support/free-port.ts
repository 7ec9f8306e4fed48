import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** A port on loopback that is free right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: a TCP server that listens has such an address.
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}
