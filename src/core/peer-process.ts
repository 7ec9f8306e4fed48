import { readFile } from 'node:fs/promises';
import { isIPv6, type Socket } from 'node:net';

/** Whose process is at the other end of a connection of this machine. */
export type PeerProcess =
  /** A process of this user, which has this socket. */
  | { readonly uid: number; readonly inode: string }
  /** It has closed its end, so that nothing says whose it was. */
  | 'gone'
  /** This system does not say. */
  | 'unknown';

const TCP = '/proc/net/tcp';
const TCP6 = '/proc/net/tcp6';

/** The ends of a connection, as this process sees them. */
export interface Ends {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** The user of the process at the other end of a loopback connection, by the kernel's table of sockets (Linux). */
export async function peerProcess(socket: Ends & Pick<Socket, 'destroyed'>): Promise<PeerProcess> {
  const here = socketOf(socket.localAddress, socket.localPort);
  const there = socketOf(socket.remoteAddress, socket.remotePort);
  if (here === null || there === null) return 'gone';
  let hasTable = false;
  // Making a table takes the kernel some milliseconds, so the second one is read only if the first lacks both ends.
  for (const path of here.length === 1 ? [TCP6] : [TCP, TCP6]) {
    const table = await readTable(path);
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
  for (const line of table.split('\n')) {
    const [, local = '', remote = '', , , , , uid = '', , inode = ''] = line.trim().split(/\s+/);
    if (here.includes(local) && there.includes(remote)) hasOwnEnd = true;
    if (!there.includes(local) || !here.includes(remote)) continue;
    // A socket without an inode has no process any more, and its uid is 0 whosever it was.
    return inode === '0' ? 'gone' : { uid: Number(uid), inode };
  }
  return hasOwnEnd ? 'gone' : 'unknown';
}

/* An end as both tables may write it: an IPv4 address may be in the one of IPv6, and then has two forms. */
function socketOf(address: string | undefined, port: number | undefined): readonly string[] | null {
  if (address === undefined || port === undefined) return null;
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (ipv4 !== undefined) {
    const word = littleEndian(Buffer.from(ipv4.split('.').map(Number)));
    return [word + ending, `0000000000000000FFFF0000${word}${ending}`];
  }
  return isIPv6(address) ? [ipv6Words(address) + ending] : null;
}

function ipv6Words(address: string): string {
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = (text: string | undefined): string[] =>
    text === undefined || text === '' ? [] : text.split(':');
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const hex = [...before, ...zeros, ...after].map(group => group.padStart(4, '0')).join('');
  const bytes = Buffer.from(hex, 'hex');
  return [0, 4, 8, 12].map(at => littleEndian(bytes.subarray(at, at + 4))).join('');
}

const littleEndian = (bytes: Buffer): string => Buffer.from(bytes).reverse().toString('hex').toUpperCase();

const readTable = async (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null);
