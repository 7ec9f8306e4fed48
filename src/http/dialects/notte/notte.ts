import type { Request } from 'express';
import type { Dialect, DialectHandlers, DialectParts } from '../dialect';
import { listAgentsRoute } from './agents';
import { NOTTE_CALLS } from './calls';
import { readCookiesRoute, writeCookiesRoute } from './cookie-routes';
import { debugRoute, debugTabRoute, healthRoute, networkLogsRoute, offsetRoute } from './debug-routes';
import { closedDoor, connectDoor } from './door';
import { notteErrorAnswer } from './errors';
import { executeRoute, scrapeRoute, screenshotRoute } from './page-routes';
import { createProfileRoute, deleteProfileRoute, getProfileRoute, listProfilesRoute } from './profiles';
import { listRoute, startRoute, statusRoute, stopRoute } from './session-routes';

/** Notte's REST API and WebSocket, for its clients as they are: `NOTTE_API_URL=<url>/notte`. */
export function notte(parts: DialectParts): Dialect {
  const stop = stopRoute(parts);
  const handlers: DialectHandlers<typeof NOTTE_CALLS> = {
    start: startRoute(parts),
    status: statusRoute(parts),
    stop,
    stopByPost: stop,
    list: listRoute(parts),
    getCookies: readCookiesRoute(parts),
    setCookies: writeCookiesRoute(parts),
    debug: debugRoute(parts),
    debugTab: debugTabRoute(parts),
    offset: offsetRoute(parts),
    networkLogs: networkLogsRoute(parts),
    execute: executeRoute(parts),
    scrape: scrapeRoute(parts),
    screenshot: screenshotRoute(parts),
    createProfile: createProfileRoute(parts),
    listProfiles: listProfilesRoute(parts),
    getProfile: getProfileRoute(parts),
    deleteProfile: deleteProfileRoute(parts),
    listAgents: listAgentsRoute,
    health: healthRoute,
  };
  return {
    name: 'notte',
    mount: '/notte',
    scope: 'sessions',
    calls: NOTTE_CALLS,
    handlers,
    keyOf,
    errorAnswer: notteErrorAnswer,
    doors: [connectDoor(parts), closedDoor],
  };
}

/* Node's client sends `Bearer undefined` if it has no key. */
function keyOf({ headers }: Request): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined && bearer !== 'undefined') return bearer;
  const key = headers['x-notte-api-key'];
  return typeof key === 'string' ? key : null;
}
