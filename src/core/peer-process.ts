import { isIPv6, type Socket } from 'node:net';
import { readTcpTable, TCP_TABLES, tcpEnd, tcpRows } from './tcp-table';

/** Whose process is at the other end of a connection of this machine. */
export type PeerProcess =
  /** A process of this user, which has this socket. */
  | { readonly uid: number; readonly inode: string }
  /** It has closed its end, so that nothing says whose it was. */
  | 'gone'
  /** This system does not say. */
  | 'unknown';

/** The ends of a connection, as this process sees them. */
export interface Ends {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** The user of the process at the other end of a loopback connection, by the kernel's table of sockets (Linux). */
export async function peerProcess(socket: Ends & Pick<Socket, 'destroyed'>): Promise<PeerProcess> {
  const here = formsOf(socket.localAddress, socket.localPort);
  const there = formsOf(socket.remoteAddress, socket.remotePort);
  if (here === null || there === null) return 'gone';
  let hasTable = false;
  // Making a table takes the kernel some milliseconds, so the second one is read only if the first lacks both ends.
  for (const path of here.length === 1 ? TCP_TABLES.slice(1) : TCP_TABLES) {
    const table = await readTcpTable(path);
    if (table === null) continue;
    hasTable = true;
    const found = peerIn(table, here, there);
    if (found !== 'unknown') return found;
  }
  // The connection was closed meanwhile; its own end tells that from a table that lacks everything.
  return hasTable && socket.destroyed ? 'gone' : 'unknown';
}

/**
 * @param here - local end, in the form of the table
 * @param there - the other end
 */
export function peerIn(table: string, here: readonly string[], there: readonly string[]): PeerProcess {
  let hasOwnEnd = false;
  for (const { local, remote, uid, inode } of tcpRows(table)) {
    if (here.includes(local) && there.includes(remote)) hasOwnEnd = true;
    if (!there.includes(local) || !here.includes(remote)) continue;
    // A socket without an inode has no process any more, and its uid is 0 whosever it was.
    return inode === '0' ? 'gone' : { uid, inode };
  }
  return hasOwnEnd ? 'gone' : 'unknown';
}

/* An end as both tables may write it: an IPv4 address may be in the one of IPv6, and then has two forms. */
function formsOf(address: string | undefined, port: number | undefined): readonly string[] | null {
  if (address === undefined || port === undefined) return null;
  const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (ipv4 !== undefined) return [tcpEnd(ipv4, port), tcpEnd(`::ffff:${ipv4}`, port)];
  return isIPv6(address) ? [tcpEnd(address, port)] : null;
}
