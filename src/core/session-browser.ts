import type { Socket } from 'node:net';
import { browserUidTest, type UidRange } from './browser-uids';
import { peerProcess } from './peer-process';
import { systemProcesses } from './process-identity';
import { hasSocket } from './process-sockets';

/** Whether a connection of this machine comes from the browser of a session. */
export type SessionBrowserTest = (socket: Socket) => Promise<boolean>;

/** The option in which the command line of a forward proxy names the run directory of its browser. */
export const FORWARD_PROXY_OPTION = '--forward-proxy-of';

/**
 * Tells the browsers of sessions from other programs of this machine by their users; a browser of the service's own
 * user that is in a network of its own, by its forward proxy. A sender that has closed its end could be one: it gets no
 * answer anyway.
 *
 * @param wished - the operator's range of user ids for browsers
 */
export async function sessionBrowserTest(wished: UidRange | null): Promise<SessionBrowserTest> {
  const isBrowserUid = await browserUidTest(wished);
  const ownUid = process.getuid?.();
  return async socket => {
    const peer = await peerProcess(socket);
    if (typeof peer === 'string') return peer === 'gone';
    if (isBrowserUid(peer.uid)) return true;
    if (peer.uid !== ownUid || ownUid === 0) return false;
    if (await isForwardProxys(peer.inode, ownUid)) return true;
    // One that has closed its end meanwhile was not found.
    return (await peerProcess(socket)) === 'gone';
  };
}

async function isForwardProxys(inode: string, ownUid: number): Promise<boolean> {
  const proxies = (await systemProcesses.list()).filter(
    ({ uid, commandLine }) => uid === ownUid && commandLine.includes(`${FORWARD_PROXY_OPTION}=`),
  );
  return (await Promise.all(proxies.map(({ pid }) => hasSocket(pid, inode)))).includes(true);
}
