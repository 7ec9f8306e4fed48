import { createBodyParser } from '../../../contract/schemas';
import { ServiceError } from '../../../core/errors';
import type { Door } from '../../gateway/door';
import { noWebSocket } from '../../gateway/session-door';
import type { DialectParts } from '../dialect';
import { nativeCreateBody, readCapabilities } from './capabilities';
import { callerOf } from './credentials';
import { testmuErrorAnswer } from './errors';

const FOREIGN_PROTOCOLS: Readonly<Record<string, string>> = {
  '/testmu/playwright':
    "Playwright's own protocol is not supported. Use connectOverCDP, or `local: true` with the launcher.",
  '/testmu/selenium': 'WebDriver is not supported: connect with Puppeteer.',
};

/** `/testmu/puppeteer?capabilities=…`: every connection is a session. */
export function testmuDoor({ service, authenticator, connectToCreate }: DialectParts): Door {
  const parseBody = createBodyParser(service.policy);
  return {
    isFor: pathname => pathname.startsWith('/testmu/'),
    open: async upgrade => {
      const { request, url } = upgrade;
      const foreign = FOREIGN_PROTOCOLS[url.pathname];
      if (foreign !== undefined) throw new ServiceError('not_supported', foreign);
      if (url.pathname !== '/testmu/puppeteer') throw noWebSocket(url.pathname);
      const capabilities = readCapabilities(url);
      const caller = await callerOf(authenticator, request, capabilities);
      const session = parseBody(nativeCreateBody(capabilities, service.policy), {
        ...{ root: 'query/capabilities', whole: 'query/capabilities' },
      });
      return connectToCreate({ caller, session, upgrade });
    },
    errorAnswer: testmuErrorAnswer,
  };
}
