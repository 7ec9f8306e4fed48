import type { RequestHandler } from 'express';
import { z } from 'zod';
import { readDevToolsJson } from '../../browser/devtools-json';
import type { JsonEndpoint } from '../../browser/dial';
import { ServiceError } from '../../core/errors';
import type { FindDevTools } from '../../engine/live-browser';
import { cdpAccess, type CdpAccessParts } from '../gateway/cdp-access';
import { withinRedisBudget } from '../edge/redis-budget';
import { pageWebsocketUrl, type SessionViews } from '../../contract/session-view';

/** Dependencies of the routes. */
export interface DevToolsJsonRouteParts extends CdpAccessParts {
  readonly findDevTools: FindDevTools;
  readonly views: SessionViews;
}

/** What `GET /v1/sessions/{id}/cdp/json/version` answers. */
export const devToolsVersion = z.object({
  Browser: z.string(),
  'Protocol-Version': z.string().optional(),
  'User-Agent': z.string().optional(),
  'V8-Version': z.string().optional(),
  'WebKit-Version': z.string().optional(),
  webSocketDebuggerUrl: z.string().describe('The same as `websocketUrl` of the session.'),
});

/** What `GET /v1/sessions/{id}/cdp/json/list` answers. */
export const devToolsTargets = z.array(
  z.object({
    id: z.string(),
    parentId: z.string().optional(),
    type: z.string(),
    title: z.string(),
    url: z.string(),
    description: z.string().optional(),
    faviconUrl: z.string().optional(),
    webSocketDebuggerUrl: z.string().describe('The WebSocket URL of this page.'),
  }),
);

/** What `GET /v1/sessions/{id}/cdp/json/protocol` answers. */
export const devToolsProtocol = z.object({
  version: z.object({ major: z.string(), minor: z.string() }),
  domains: z.array(z.unknown()),
});

/**
 * `GET /v1/sessions/:id/cdp/json/…`: what DevTools clients request over HTTP before they open a WebSocket; the URLs in
 * the answers contain a connect token. Needs a connect token, or an API key in a header, like the WebSocket itself.
 */
export function devToolsJsonRoute(endpoint: JsonEndpoint, parts: DevToolsJsonRouteParts): RequestHandler {
  const access = cdpAccess(parts);
  return async (req, res) => {
    const { token } = req.query;
    const id = String(req.params['id']);
    const { ref, generation } = await access({
      id,
      // A token that is given twice counts as a wrong one.
      token: token === undefined ? null : typeof token === 'string' ? token : '',
      request: req,
    });
    const { route, record } = await withinRedisBudget(
      parts.findDevTools(ref, generation, `/json/${endpoint}`),
    );
    const answer = await readDevToolsJson(route);
    const url = parts.views.websocketUrl(record, id);
    res.set('Cache-Control', 'no-store');
    if (endpoint === 'version') res.json({ ...described(answer), webSocketDebuggerUrl: url });
    else if (endpoint === 'list') res.json(targetsOf(answer).map(target => withUrl(target, url)));
    else res.json(answer);
  };
}

function withUrl(target: { readonly id?: unknown }, browserUrl: string): object {
  return { ...target, webSocketDebuggerUrl: pageWebsocketUrl(browserUrl, String(target.id)) };
}

const targetsOf = (answer: unknown): { readonly id?: unknown }[] => {
  if (Array.isArray(answer)) return answer.map(described);
  throw new ServiceError('browser_unreachable', 'The answer of the browser is not as expected.');
};

/* Chromium's description without its URLs, which name a port that clients cannot reach. */
function described(answer: unknown): Record<string, unknown> {
  const parsed = z.record(z.string(), z.unknown()).safeParse(answer);
  if (!parsed.success)
    throw new ServiceError('browser_unreachable', 'The answer of the browser is not as expected.');
  const { data } = parsed;
  return Object.fromEntries(
    Object.entries(data).filter(([name]) => !/^(?:webSocketDebugger|devtoolsFrontend)Url/.test(name)),
  );
}
