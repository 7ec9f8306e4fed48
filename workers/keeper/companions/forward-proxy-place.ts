import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { Cage } from '../isolation/cage';
import type { RunDirectory } from '../process/run-directory';
import type { StartProxy } from '../process/start-options';

/** What a browser speaks with its forward proxy. */
export type ForwardProxyScheme = 'http' | 'socks5';

/**
 * Where a forward proxy is, and how a browser speaks with it: never changed, because the browser's command line says
 * it.
 */
export interface ForwardProxyPlace {
  readonly scheme: ForwardProxyScheme;
  /** Where the browser finds it. */
  readonly host: string;
  readonly port: number;
  /** The Unix socket that it listens on for a browser in a network of its own; null: it listens there. */
  readonly socket: string | null;
}

/**
 * The place for a new one. Nobody listens there yet, so that the browser can be started together with it.
 *
 * A session's own proxy may take requests for pages only as a proxy takes them, and tunnels only to port 443. So the
 * browser speaks HTTP with what is in front of one, and SOCKS where its bytes go straight on.
 *
 * @param door - where the browser's own network has it; null: it has none
 * @throws if no port is free.
 */
export async function placeFor(
  { proxySocket }: RunDirectory,
  door: Cage['proxyDoor'],
  upstream: StartProxy,
): Promise<ForwardProxyPlace> {
  const scheme = upstream === null ? 'socks5' : 'http';
  if (door !== null) return { scheme, ...door, socket: proxySocket };
  const host = randomLoopback();
  return { scheme, host, port: await freePortAt(host), socket: null };
}

/**
 * On Linux any address in 127.0.0.0/8 is this machine. Clients of other sessions cannot guess address and port
 * together, and nobody else takes the port meanwhile.
 */
function randomLoopback(): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  return `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
}

async function freePortAt(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
