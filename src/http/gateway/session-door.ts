import { ServiceError } from '../../core/errors';
import { cdpAccess, type CdpAccessParts } from './cdp-access';
import type { Door } from './door';

const CDP_PATH = /^\/v1\/sessions\/([A-Za-z0-9_-]{1,64})\/cdp(?:\/devtools\/page\/([A-Za-z0-9_-]{1,64}))?$/;

/**
 * `GET /v1/sessions/:id/cdp[/devtools/page/:targetId]` with a connect token, or with an API key of the session's
 * tenant.
 */
export function sessionDoor(parts: CdpAccessParts): Door {
  const access = cdpAccess(parts);
  return {
    isFor: pathname => CDP_PATH.test(pathname),
    open: async ({ request, url: { pathname, searchParams } }) => {
      const [, id, targetId] = CDP_PATH.exec(pathname) ?? [];
      if (id === undefined) throw noWebSocket(pathname);
      const { ref, caller, generation } = await access({ id, token: searchParams.get('token'), request });
      const asked = { ref, generation, revoked: caller?.revoked ?? null };
      return targetId === undefined ? asked : { ...asked, part: `/devtools/page/${targetId}` };
    },
  };
}

/** The refusal of an upgrade at a path that has no WebSocket. */
export const noWebSocket = (pathname: string): ServiceError =>
  new ServiceError('not_found', `There is no WebSocket at ${pathname}.`);
