import { readFile } from 'node:fs/promises';

/** A socket of this machine that takes TCP connections. */
export interface Listener {
  /** The user who has opened it. */
  readonly uid: number;
  readonly inode: string;
}

const STATE_LISTEN = '0A';

/** How `/proc/net/tcp` and `tcp6` write the addresses that connections to 127.0.0.1 reach. */
const REACHED_BY_LOOPBACK = new Set([
  '0100007F',
  '00000000',
  '0'.repeat(32),
  '0000000000000000FFFF00000100007F',
]);

/** The listeners in a table of `/proc/net` to which a connection to this port of 127.0.0.1 may go. */
export function listenersIn(table: string, port: number): Listener[] {
  return table.split('\n').flatMap(line => {
    const [, local = '', , state, , , , uid, , inode] = line.trim().split(/\s+/);
    const [address = '', hexPort = ''] = local.split(':');
    const isWanted =
      state === STATE_LISTEN && Number.parseInt(hexPort, 16) === port && REACHED_BY_LOOPBACK.has(address);
    return isWanted && inode !== undefined ? [{ uid: Number(uid), inode }] : [];
  });
}

/**
 * The sockets of this machine to which a connection to this port of 127.0.0.1 may go. Linux only.
 *
 * @throws what reading /proc throws.
 */
export async function loopbackListeners(port: number): Promise<Listener[]> {
  const v4 = await readFile('/proc/net/tcp', 'latin1');
  const v6 = await readFile('/proc/net/tcp6', 'latin1').catch(() => ''); // a system without IPv6
  return [...listenersIn(v4, port), ...listenersIn(v6, port)];
}
