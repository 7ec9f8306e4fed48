import type { Request, RequestHandler } from 'express';
import { takeScreenshot } from '../../browser/screenshot';
import type { Service } from '../../contract/service';
import { refOfViewerToken } from '../../contract/viewer-token';
import { checkFields } from '../../core/check-fields';
import { ServiceError } from '../../core/errors';
import { SESSION_ID_PATTERN, type SessionRef } from '../../core/ids';
import { withinRedisBudget } from '../edge/redis-budget';
import { pageHeaders, sendPage } from '../pages/html';
import { VIEWER_STYLE, viewerPage, wrongLinkPage } from '../pages/viewer-page';
import { VIEWER_SCRIPT } from '../pages/viewer-script';
import { screenshotQuery } from './session-page';

/** What all routes need: the secret that signs viewer tokens. */
export interface ViewerAccessParts {
  readonly secret: string;
}

/** `GET /v1/sessions/:id/view`: the page. What it shows it asks for itself, so it opens also while Redis is away. */
export function viewerRoute({ secret }: ViewerAccessParts): RequestHandler {
  const parts = { style: VIEWER_STYLE, script: VIEWER_SCRIPT };
  const headers = pageHeaders(parts, { canFetch: true, isEmbeddable: true });
  const page = viewerPage();
  return (req, res) => {
    if (viewedRef(secret, req) !== null) sendPage(res, headers, page);
    else if (req.accepts(['json', 'html']) !== 'html') throw wrongToken();
    else sendPage(res.status(401).set('WWW-Authenticate', 'Bearer'), headers, wrongLinkPage());
  };
}

/** `GET /v1/sessions/:id/view/state`: what the page shows beside the picture. */
export function viewerStateRoute({
  viewSession,
  views,
  secret,
}: ViewerAccessParts & Pick<Service, 'viewSession' | 'views'>): RequestHandler {
  return async (req, res) => {
    const { session, pages, idleExpiresAtMs } = await withinRedisBudget(viewSession(requireRef(secret, req)));
    const { id, name, status, endReason, error, createdAt, endedAt, ...more } = views.of(session);
    const isLive = status === 'live';
    res.json({
      ...{ id, name, status, endReason, error, createdAt, endedAt },
      duration: more.duration,
      // The clock of the reader may be wrong, so these are no moments.
      timeLeft:
        isLive && more.expiresAt !== null ? leftUntil(Date.parse(more.expiresAt), session.nowMs) : null,
      idleTimeLeft: idleExpiresAtMs === null ? null : leftUntil(idleExpiresAtMs, session.nowMs),
      queuePosition: more.queuePosition,
      pages: pages ?? [],
      pagesKnown: pages !== null,
    });
  };
}

/**
 * `GET /v1/sessions/:id/view/picture`: what a page shows right now. Who asks at the same time gets the same picture.
 */
export function viewerPictureRoute({
  findBrowserToView,
  secret,
}: ViewerAccessParts & Pick<Service, 'findBrowserToView'>): RequestHandler {
  const underWay = new Map<string, Promise<Buffer>>();
  const take = async (ref: SessionRef, pageId: string | null): Promise<Buffer> => {
    const route = await withinRedisBudget(findBrowserToView(ref));
    return takeScreenshot(route, pageId, 'jpeg');
  };
  return async (req, res) => {
    const ref = requireRef(secret, req);
    const { pageId = null } = checkFields(pictureQuery, req.query, { root: 'query' });
    const key = `${ref} ${pageId ?? ''}`;
    const picture = underWay.get(key) ?? take(ref, pageId).finally(() => underWay.delete(key));
    underWay.set(key, picture);
    res.type('jpeg').send(await picture);
  };
}

/* The page passes on what its own URL has, such as a theme. */
const pictureQuery = screenshotQuery.loose();

const leftUntil = (atMs: number, nowMs: number): number => Math.max(0, atMs - nowMs);

function viewedRef(secret: string, { params, query }: Request): SessionRef | null {
  const id = String(params['id']);
  const { token } = query;
  return typeof token === 'string' && SESSION_ID_PATTERN.test(id)
    ? refOfViewerToken(secret, id, token)
    : null;
}

function requireRef(secret: string, req: Request): SessionRef {
  const ref = viewedRef(secret, req);
  if (ref === null) throw wrongToken();
  return ref;
}

const wrongToken = (): ServiceError =>
  new ServiceError('unauthorized', 'The viewer token is not valid for this session.');
