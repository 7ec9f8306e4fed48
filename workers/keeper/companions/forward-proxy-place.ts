import { randomInt } from 'node:crypto';
import type { Cage } from '../isolation/cage';
import type { RunDirectory } from '../process/run-directory';

/** Where a forward proxy is. */
export interface ForwardProxyPlace {
  /** Where the browser finds it; it never changes, because it is in the browser's command line. */
  readonly host: string;
  readonly port: number;
  /** The Unix socket that it listens on for a browser in a network of its own; null: it listens there. */
  readonly socket: string | null;
}

/**
 * The place for a new one; port 0: any that is free.
 *
 * @param door - where the browser's own network has it; null: it has none
 */
export function placeFor({ proxySocket }: RunDirectory, door: Cage['proxyDoor']): ForwardProxyPlace {
  return door === null ? { host: randomLoopback(), port: 0, socket: null } : { ...door, socket: proxySocket };
}

/**
 * On Linux any address in 127.0.0.0/8 is this machine. Clients of other sessions cannot guess address and port
 * together.
 */
function randomLoopback(): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  return `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
}
