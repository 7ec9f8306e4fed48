import type { Socket } from 'node:net';
import { browserUidTest, type UidRange } from './browser-uids';
import { peerProcess } from './peer-process';

/** Whether a connection of this machine comes from the browser of a session. */
export type SessionBrowserTest = (socket: Socket) => Promise<boolean>;

/**
 * Tells the browsers of sessions from other programs of this machine by their users. A sender that has closed its end
 * could be one: it gets no answer anyway.
 *
 * @param wished - the operator's range of user ids for browsers
 */
export async function sessionBrowserTest(wished: UidRange | null): Promise<SessionBrowserTest> {
  const isBrowserUid = await browserUidTest(wished);
  return async socket => {
    const peer = await peerProcess(socket);
    return peer === 'gone' || (peer !== 'unknown' && isBrowserUid(peer.uid));
  };
}
