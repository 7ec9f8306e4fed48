import { isBelow, type ProcessTable } from '../../../src/core/process-identity';
import { hasSocket } from '../../../src/core/process-sockets';
import { hasOneBrowser } from '../users/browser-users';
import type { BrowserFacts } from './browser-facts';
import { loopbackListeners, type Listener } from './listeners';

/** What a browser's start says of itself, and what the keeper knows without it. */
type Claimed = Pick<BrowserFacts, 'browser' | 'shim' | 'devTools' | 'user'>;

/** Why a process is not the browser that this shim has started as this user; null: it is. */
export async function doubtOfProcess(
  { browser, shim, user }: Claimed,
  processes: ProcessTable,
): Promise<string | null> {
  const found = await processes.inspect(browser.pid);
  if (found === null || found.startedAt !== browser.startedAt) return 'the browser has ended';
  if (found.uid !== user.uid) return `process ${browser.pid} belongs to uid ${found.uid}, not to ${user.uid}`;
  return (await isBelow(processes, browser.pid, shim.pid))
    ? null
    : `process ${browser.pid} was not started by the shim ${shim.pid}`;
}

/**
 * Why a DevTools port is not this browser's, although its profile says so, which every process of its user can write;
 * null if nothing speaks against it. A port without a listener is not doubted: nothing is reached there.
 */
export async function doubtOfPort(claimed: Claimed, processes: ProcessTable): Promise<string | null> {
  const { port, socket } = claimed.devTools;
  // In a network of its own nobody else can listen.
  if (process.platform !== 'linux' || port === 0 || socket !== null) return null;
  for (const listener of await loopbackListeners(port)) {
    if (listener.uid !== claimed.user.uid)
      return `port ${port} belongs to uid ${listener.uid}, not to ${claimed.user.uid}`;
    if (!(await isOwn(listener, claimed, processes))) return `port ${port} belongs to another browser`;
  }
  return null;
}

/*
 * Of a user with several browsers, the socket must be open in this one, or in a process beside it below the shim.
 * Root without the right to inspect processes of other users (a container) has to go by the user alone.
 */
async function isOwn(
  { inode }: Listener,
  { browser, shim, user }: Claimed,
  processes: ProcessTable,
): Promise<boolean> {
  if (hasOneBrowser(user)) return true;
  const answer = await hasSocket(browser.pid, inode);
  if (answer !== false) return true;
  for (const { pid } of await processes.list()) {
    if ((await hasSocket(pid, inode)) === true && (await isBelow(processes, pid, shim.pid))) return true;
  }
  return false;
}
