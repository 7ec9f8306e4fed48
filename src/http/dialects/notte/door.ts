import { createBodyParser } from '../../../contract/schemas';
import { unauthorized } from '../../edge/caller';
import { CDP_SCOPE } from '../../gateway/cdp-access';
import { noWebSocket } from '../../gateway/session-door';
import type { Door } from '../../gateway/door';
import type { DialectParts } from '../dialect';
import { notSupported, notteErrorAnswer } from './errors';
import { startBodyParser } from './start-body';

const CONNECT = /^\/notte\/sessions\/connect\/?$/;
const STREAM = /^\/notte\/(?:sessions|agents)\/[^/]+\/debug\/[a-z]+\/?$/;

/** `/notte/sessions/connect?token=<API key>`: every connection is a session, as a start without options makes it. */
export function connectDoor({ service, authenticator, connectToCreate }: DialectParts): Door {
  const parseBody = startBodyParser(service.policy, createBodyParser(service.policy));
  return {
    isFor: pathname => CONNECT.test(pathname),
    open: async upgrade => {
      const { request, url } = upgrade;
      const caller =
        (await authenticator.callerOf(request, CDP_SCOPE)) ??
        (await authenticator.callerWith(request, url.searchParams.get('token'), CDP_SCOPE));
      if (caller === null) throw unauthorized();
      return connectToCreate({ caller, session: parseBody({}), upgrade });
    },
    errorAnswer: notteErrorAnswer,
  };
}

/** Whatever else begins with `/notte/`: streams that the service does not have, and paths without a WebSocket. */
export const closedDoor: Door = {
  isFor: pathname => pathname.startsWith('/notte/'),
  open: ({ url: { pathname } }) => {
    throw STREAM.test(pathname) ? notSupported('This stream', 'Connect to cdp_url.') : noWebSocket(pathname);
  },
  errorAnswer: notteErrorAnswer,
};
