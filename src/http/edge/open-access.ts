import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ServiceError } from '../../core/errors';
import type { SessionBrowserTest } from '../../core/session-browser';

/** What of a request shows where it comes from. */
export type Sender = Pick<IncomingMessage, 'headers' | 'socket'>;

/** Where a page would be shown: what answers there can be read by who controls the browser. */
const PAGE_DESTINATIONS: readonly string[] = [
  'document',
  'iframe',
  'frame',
  'embed',
  'object',
  'fencedframe',
];

/**
 * Refuses the sender of a request without a key, on an installation without keys. What counts there in place of a key
 * is to be a program of this machine, and that the browsers of sessions are not.
 */
export type OpenAccess = (sender: Sender) => Promise<void>;

/** @throws ServiceError `forbidden_origin`. */
export function openAccess(isSessionBrowser: SessionBrowserTest): OpenAccess {
  // One look for each connection: its other end stays the same process.
  const looked = new WeakMap<Socket, Promise<boolean>>();
  return async ({ socket }) => {
    const known = looked.get(socket) ?? isSessionBrowser(socket);
    looked.set(socket, known);
    if (await known) {
      throw new ServiceError(
        'forbidden_origin',
        'The browsers of sessions may not use an installation without API keys. Set HOLDFAST_API_KEYS.',
      );
    }
  };
}

/**
 * Refuses what a web browser opens as a page: a person who is led there, or a client of a session, would read what only
 * programs may.
 *
 * @throws ServiceError `forbidden_origin`.
 */
export function refusePages({ headers }: Pick<Sender, 'headers'>): void {
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = headers;
  if (mode !== 'navigate' && !PAGE_DESTINATIONS.some(page => page === destination)) return;
  throw new ServiceError('forbidden_origin', 'This is for programs: it is not opened as a page.');
}
