import { readFile } from 'node:fs/promises';
import { readTcpTable, TCP_TABLES, tcpAddress, tcpRows } from '../../../src/core/tcp-table';

/** A socket of this machine that takes TCP connections. */
export interface Listener {
  /** The user who has opened it. */
  readonly uid: number;
  readonly inode: string;
}

const STATE_LISTEN = '0A';

/** What connections to 127.0.0.1 reach. */
const REACHED_BY_LOOPBACK = new Set(['127.0.0.1', '0.0.0.0', '::', '::ffff:127.0.0.1'].map(tcpAddress));

/** The listeners in a table of `/proc/net` to which a connection to this port of 127.0.0.1 may go. */
export function listenersIn(table: string, port: number): Listener[] {
  return tcpRows(table).flatMap(({ local, state, uid, inode }) => {
    const [address = '', hexPort = ''] = local.split(':');
    const isWanted =
      state === STATE_LISTEN && Number.parseInt(hexPort, 16) === port && REACHED_BY_LOOPBACK.has(address);
    return isWanted ? [{ uid, inode }] : [];
  });
}

/**
 * The sockets of this machine to which a connection to this port of 127.0.0.1 may go. Linux only.
 *
 * @throws what reading /proc throws.
 */
export async function loopbackListeners(port: number): Promise<Listener[]> {
  const [tcp, tcp6] = TCP_TABLES;
  const v4 = await readFile(tcp, 'latin1');
  const v6 = await readTcpTable(tcp6);
  return [...listenersIn(v4, port), ...listenersIn(v6 ?? '', port)];
}
