import { notSupported, notteErrorAnswer } from './errors';
import { noWebSocket } from '../../gateway/session-door';
import type { Door } from '../../gateway/door';

const STREAM = /^\/notte\/(?:sessions|agents)\/[^/]+\/debug\/[a-z]+\/?$/;

/** Whatever else begins with `/notte/`: streams that the service does not have, and paths without a WebSocket. */
export const closedDoor: Door = {
  isFor: pathname => pathname.startsWith('/notte/'),
  open: ({ url: { pathname } }) => {
    throw STREAM.test(pathname) ? notSupported('This stream', 'Connect to cdp_url.') : noWebSocket(pathname);
  },
  errorAnswer: notteErrorAnswer,
};
