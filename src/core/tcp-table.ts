import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';

/* The kernel's tables of TCP sockets (Linux), see proc_net_tcp in its documentation. */

/** The tables of this network namespace. That of IPv6 has IPv4 as well, of sockets that take both. */
export const TCP_TABLES = ['/proc/net/tcp', '/proc/net/tcp6'] as const;

/** One socket. */
export interface TcpRow {
  /** The ends as {@link tcpEnd} writes them. */
  readonly local: string;
  readonly remote: string;
  /** Two hexadecimal digits. */
  readonly state: string;
  /** What the other end has not acknowledged, bytes. */
  readonly unackedBytes: number;
  readonly uid: number;
  /** `0`: no process has the socket any more. */
  readonly inode: string;
}

/** Reads a table; null where there is none: on another system, or on one without IPv6. */
export const readTcpTable = async (path: (typeof TCP_TABLES)[number]): Promise<string | null> =>
  readFile(path, 'latin1').catch(() => null);

/** The sockets in a table. */
export function tcpRows(table: string): TcpRow[] {
  const rows = table.split('\n').slice(1);
  return rows.flatMap(row => {
    const [, local, remote, state, queues, , , uid, , inode] = row.trim().split(/\s+/);
    if (local === undefined || remote === undefined || state === undefined || inode === undefined) return [];
    const unackedBytes = Number.parseInt(queues ?? '', 16);
    return [{ local, remote, state, unackedBytes, uid: Number(uid), inode }];
  });
}

/** How the tables write one end of a connection. */
export const tcpEnd = (address: string, port: number): string =>
  `${tcpAddress(address)}:${port.toString(16).padStart(4, '0').toUpperCase()}`;

/** How the tables write an address: words of four bytes in the byte order of the machine, hexadecimal. */
export function tcpAddress(address: string): string {
  const bytes = isIPv4(address) ? address.split('.').map(Number) : ipv6Bytes(address);
  const ordered = endianness() === 'LE' ? bytes.map((_, i) => bytes[(i & ~3) + 3 - (i & 3)] ?? 0) : bytes;
  return Buffer.from(ordered).toString('hex').toUpperCase();
}

function ipv6Bytes(address: string): number[] {
  const mapped = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, prefix = '', ...quad] = mapped ?? [];
  const pair = (high = '0', low = '0'): string => (Number(high) * 256 + Number(low)).toString(16);
  const text = mapped === null ? address : `${prefix}${pair(quad[0], quad[1])}:${pair(quad[2], quad[3])}`;
  const [head = '', tail] = text.replace(/%.*$/, '').split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].flatMap(group => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
