import type { Socket } from 'node:net';
import { isBrowserUid } from './browser-uid';
import { peerProcess } from './peer-process';

/**
 * Whether a connection may come from the browser of a session on this machine. A sender that has closed its end could be
 * one: it gets no answer anyway.
 */
export async function isSessionBrowser(socket: Socket): Promise<boolean> {
  const peer = await peerProcess(socket);
  return peer === 'gone' || (peer !== 'unknown' && isBrowserUid(peer.uid));
}
