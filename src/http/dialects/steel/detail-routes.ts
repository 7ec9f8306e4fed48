import type { RequestHandler } from 'express';
import { statusOf } from '../../../../machines/session/session.view';
import { isEnded } from '../../../../machines/session/session.words';
import { readDevToolsJson } from '../../../browser/devtools-json';
import { readLiveState } from '../../../browser/live-state';
import { contextRefOf } from '../../../core/ids';
import { requireGeneration } from '../../../engine/token-generation';
import type { FoundSession } from '../../../queries/get-session';
import { withinRedisBudget } from '../../edge/redis-budget';
import { tenantOf } from '../../edge/request-context';
import { refOfParam } from '../../edge/session-param';
import type { DialectParts } from '../dialect';
import { steelAccess } from './access';
import { steelView } from './session';
import { contextOfSaved, contextOfState, type SteelContext } from './session-context';

/** How long a browser may take to give its cookies and storage, milliseconds. */
const STATE_TIMEOUT_MS = 10_000;

/** `GET /v1/sessions/{id}/live-details`. */
export function liveDetailsRoute(parts: DialectParts): RequestHandler {
  const view = steelView(parts);
  return async (req, res) => {
    const { session, pages } = await withinRedisBudget(parts.service.liveDetails(refOfParam(req, res)));
    const { websocketUrl: wsUrl, sessionViewerUrl } = view(session);
    const viewer = { sessionViewerUrl, sessionViewerFullscreenUrl: sessionViewerUrl };
    res.json({
      pages: (pages ?? []).map(({ id, url, title }) => ({ id, url, title, favicon: null, ...viewer })),
      wsUrl,
      ...viewer,
    });
  };
}

/**
 * `GET /v1/sessions/{id}/context`: cookies and local storage of the live browser. After its end, what the session has
 * saved into its profile; a session without one has left nothing, and the answer is an error.
 */
export function contextRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const found = await withinRedisBudget(service.getSession(ref));
    const context =
      (await savedContext(tenantOf(res), found)) ??
      contextOfState(
        await readLiveState(await withinRedisBudget(service.findBrowser(ref)), STATE_TIMEOUT_MS),
      );
    // It holds logins: no cache may keep it.
    res.set('Cache-Control', 'no-store').json(context);
  };

  async function savedContext(tenant: string, found: FoundSession): Promise<SteelContext | null> {
    const { context } = service.views.of(found);
    const version = context?.lastSave?.version ?? null;
    if (!isEnded(statusOf(found.record.snapshot)) || context === null || version === null) return null;
    return contextOfSaved(await service.getStorageState(contextRefOf(tenant, context.id), version));
  }
}

/** `GET /v1/sessions/{id}/events`: what happened in its pages. Nothing is recorded, and `eventCount` is 0, too. */
export function eventsRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    await withinRedisBudget(service.getSession(refOfParam(req, res)));
    res.json([]);
  };
}

/** `GET /json/version`: for clients that are given the HTTP form of a session's WebSocket URL. */
export function devToolsVersionRoute(parts: DialectParts): RequestHandler {
  const access = steelAccess(parts);
  const view = steelView(parts);
  const { service } = parts;
  return async (req, res) => {
    const { searchParams } = new URL(req.originalUrl, parts.url);
    const { ref, generation } = await access(req, searchParams);
    const found = await withinRedisBudget(service.getSession(ref));
    requireGeneration(found.record, generation);
    const route = await withinRedisBudget(service.findBrowser(ref, '/json/version'));
    // SAFETY: readDevToolsJson gives what it has parsed; spreading what is no object adds nothing.
    const version = (await readDevToolsJson(route)) as object;
    res.json({ ...version, webSocketDebuggerUrl: view(found).websocketUrl });
  };
}
