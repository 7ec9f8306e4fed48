import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { OpenPage } from '../../../browser/open-pages';
import { pageWebsocketUrl } from '../../../contract/session-view';
import { checkFields, invalidFields } from '../../../core/check-fields';
import type { LiveDetails } from '../../../queries/live-details';
import { withinRedisBudget } from '../../edge/redis-budget';
import { refOfParam } from '../../edge/session-param';
import type { DialectParts } from '../dialect';

/** How to watch and control a live session, in Notte's form. */
interface NotteDebug {
  /** Opened in a web browser. */
  readonly debug_url: string;
  readonly ws: { readonly cdp: string; readonly recording: string; readonly logs: string };
  readonly tabs: readonly NotteTab[];
}

interface NotteTab {
  readonly metadata: { readonly tab_id: number; readonly title: string; readonly url: string };
  readonly debug_url: string;
  readonly ws_url: string;
}

/** `GET /sessions/{id}/debug`. */
export function debugRoute(parts: DialectParts): RequestHandler {
  return async (req, res) => {
    const details = await withinRedisBudget(parts.service.liveDetails(refOfParam(req, res)));
    res.json(debugOf(parts, details));
  };
}

const tabQuery = z.looseObject({
  tab_idx: z
    .string()
    .regex(/^\d{1,6}$/, 'must be a whole number')
    .transform(Number)
    .default(0),
});

/** `GET /sessions/{id}/debug/tab?tab_idx=`: one page, counted from 0. */
export function debugTabRoute(parts: DialectParts): RequestHandler {
  return async (req, res) => {
    const { tab_idx: index } = checkFields(tabQuery, req.query, { root: 'query' });
    const details = await withinRedisBudget(parts.service.liveDetails(refOfParam(req, res)));
    const tab = debugOf(parts, details).tabs[index];
    if (tab === undefined)
      throw invalidFields([{ pointer: 'query/tab_idx', message: `there is no page ${index}` }]);
    res.json(tab);
  };
}

/** `GET /sessions/{id}/offset`: the number of steps that are kept; there are none. */
export function offsetRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    await withinRedisBudget(service.getSession(refOfParam(req, res)));
    res.json({ offset: 0 });
  };
}

/** `GET /sessions/{id}/network/logs`: an empty list, since none are kept. */
export function networkLogsRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const found = await withinRedisBudget(service.getSession(refOfParam(req, res)));
    const { id } = service.views.of(found);
    res.json({ session_id: id, format: 'json', batches: [], total_batch_count: 0 });
  };
}

/** `GET /health`. */
export const healthRoute: RequestHandler = (_req, res) => {
  res.json({ status: 'ok' });
};

/* The client demands every URL; those of streams that the service does not have are refused when they are opened. */
function debugOf({ service: { views }, url }: DialectParts, { session, pages }: LiveDetails): NotteDebug {
  const { id, viewerUrl } = views.of(session);
  const cdp = views.websocketUrl(session.record, id);
  const streams = `${url.replace(/^http/, 'ws')}/notte/sessions/${id}/debug`;
  const tabOf = (page: OpenPage, index: number): NotteTab => ({
    metadata: { tab_id: index, title: page.title, url: page.url },
    debug_url: viewerUrl,
    ws_url: pageWebsocketUrl(cdp, page.id),
  });
  return {
    debug_url: viewerUrl,
    ws: { cdp, recording: `${streams}/recording`, logs: `${streams}/logs` },
    tabs: (pages ?? []).map(tabOf),
  };
}
