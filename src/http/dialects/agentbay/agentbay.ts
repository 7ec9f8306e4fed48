import type { Dialect, DialectHandlers, DialectParts } from '../dialect';
import { cdpLinkRoute, initBrowserRoute, linkRoute } from './browser-routes';
import { AGENTBAY_CALLS } from './calls';
import {
  clearContextRoute,
  deleteContextRoute,
  getContextRoute,
  listContextsRoute,
  renameContextRoute,
} from './context-routes';
import { contextInfoRoute, syncRoute } from './context-sync-routes';
import { agentBayErrorAnswer } from './errors';
import { enterAction, parametersOf } from './parameters';
import {
  createRoute,
  deleteRoute,
  detailRoute,
  getLabelsRoute,
  getRoute,
  keepAliveRoute,
  listRoute,
  pauseRoute,
  releaseRoute,
  resourceRoute,
  setLabelsRoute,
} from './session-routes';

/** AgentBay's RPC API, for its SDKs as they are: `AGENTBAY_ENDPOINT=<host>:<HOLDFAST_TLS_PORT>`. */
export function agentBay(parts: DialectParts): Dialect {
  const handlers: DialectHandlers<typeof AGENTBAY_CALLS> = {
    createSession: createRoute(parts),
    getSession: getRoute(parts),
    getSessionDetail: detailRoute(parts),
    listSessions: listRoute(parts),
    setLabels: setLabelsRoute(parts),
    getLabels: getLabelsRoute(parts),
    getResource: resourceRoute(parts),
    release: releaseRoute(parts),
    delete: deleteRoute(parts),
    keepAlive: keepAliveRoute(parts),
    pause: pauseRoute(parts),
    resume: pauseRoute(parts),
    initBrowser: initBrowserRoute(parts),
    getCdpLink: cdpLinkRoute(parts),
    getLink: linkRoute(parts),
    getContext: getContextRoute(parts),
    listContexts: listContextsRoute(parts),
    renameContext: renameContextRoute(parts),
    clearContext: clearContextRoute(parts),
    deleteContext: deleteContextRoute(parts),
    syncContext: syncRoute(parts),
    getContextInfo: contextInfoRoute(parts),
  };
  return {
    name: 'agentbay',
    mount: '',
    isOnTls: true,
    enter: enterAction,
    bodyReaders: [],
    scope: 'sessions',
    calls: AGENTBAY_CALLS,
    handlers,
    keyOf: req => {
      const given = parametersOf(req).text('Authorization') ?? req.headers.authorization ?? '';
      return /^Bearer +(\S+)$/i.exec(given)?.[1] ?? null;
    },
    errorAnswer: agentBayErrorAnswer,
    doors: [],
  };
}
