import type { AddressInfo, Server } from 'node:net';

/**
 * Listens on a port.
 *
 * @param port - 0 takes a free one, see {@link portOf}
 * @throws if the address cannot be bound.
 */
export function listenOnPort(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

/** The port on which a server listens. */
export function portOf(server: Server): number {
  // SAFETY: a listening TCP server has an AddressInfo.
  return (server.address() as AddressInfo).port;
}
