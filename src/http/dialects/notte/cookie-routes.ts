import type { RequestHandler } from 'express';
import { readCookies, writeCookies } from '../../../browser/cookies';
import type { Service } from '../../../contract/service';
import { ServiceError } from '../../../core/errors';
import { contextRefOf, parseRef } from '../../../core/ids';
import type { FoundSession } from '../../../queries/get-session';
import { withinRedisBudget } from '../../edge/redis-budget';
import { refOfParam } from '../../edge/session-param';
import type { DialectParts } from '../dialect';
import { givenCookies, notteCookie, notteSavedCookie, type NotteCookie } from './cookies';

/**
 * `GET /sessions/{id}/cookies`: every cookie of the browser; after the end of the session, those that it has saved into
 * its profile.
 */
export function readCookiesRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const found = await withinRedisBudget(service.getSession(ref));
    if (service.views.of(found).endedAt !== null) {
      res.json({ cookies: await savedCookies(service, found) });
      return;
    }
    const route = await withinRedisBudget(service.findBrowser(ref));
    res.json({ cookies: (await readCookies(route)).map(notteCookie) });
  };
}

/** `POST /sessions/{id}/cookies`. */
export function writeCookiesRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const { nowMs } = await withinRedisBudget(service.getSession(ref));
    const { cookies, expired } = givenCookies(req.body, nowMs);
    const route = await withinRedisBudget(service.findBrowser(ref));
    await writeCookies(route, cookies);
    const leftOut = expired === 0 ? '' : `; ${expired} had expired`;
    res.json({ success: true, message: `Set ${cookies.length} cookies${leftOut}` });
  };
}

async function savedCookies(service: Service, found: FoundSession): Promise<NotteCookie[]> {
  const { context, id } = service.views.of(found);
  const version = context?.lastSave?.version ?? null;
  if (context === null || version === null) {
    const message =
      'The session has ended and has saved no cookies: read them before, or start it with a profile that persists.';
    throw new ServiceError('session_ended', message, { details: { sessionId: id } });
  }
  const tenant = parseRef(found.record.ref)?.tenant ?? '';
  const { cookies } = await service.getStorageState(contextRefOf(tenant, context.id));
  return cookies.map(notteSavedCookie);
}
