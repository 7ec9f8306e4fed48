import type { Request, RequestHandler } from 'express';
import type { SessionStatus } from '../../../machines/session/session.words';
import { packageVersion } from '../../config/version';
import { messageOf } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { GetCapacity } from '../../queries/list-workers';
import type { Authenticator } from '../edge/authenticator';
import { baseUrlOf } from '../edge/base-url';
import { pageHeaders, sendPage } from '../pages/html';
import { LANDING_STYLE, landingPage, type Landing } from '../pages/landing-page';
import type { Readiness } from '../readiness';
import { withinRedisBudget } from '../edge/redis-budget';
import { isReady } from './health';

/** Dependencies of the route. */
export interface LandingRouteParts {
  readonly authenticator: Pick<Authenticator, 'tenantOfPerson' | 'isShared' | 'needsKey'>;
  readonly readiness: Pick<Readiness, 'report'>;
  readonly getCapacity: GetCapacity;
  /** Sessions of all tenants by status. */
  readonly countSessions: () => Promise<Readonly<Record<SessionStatus, number>>>;
  readonly publicUrl: string | null;
  readonly log: Logger;
}

/**
 * `GET /`: a page for people, JSON for programs. It answers also while Redis is away, when operators look at it.
 * Without a key, where one is needed, it shows nothing that needs one. The number of live sessions is shown only if
 * there is a single tenant.
 */
export function landingRoute(parts: LandingRouteParts): RequestHandler {
  const { authenticator, publicUrl } = parts;
  const headers = pageHeaders({ style: LANDING_STYLE });
  return async (req, res) => {
    const landing = await landingFor(parts, req);
    res.vary('Accept').vary('Authorization');
    if (req.accepts(['json', 'html']) !== 'html') {
      res.json(landing);
      return;
    }
    const frame = { baseUrl: baseUrlOf(req, publicUrl), hasBoard: !authenticator.isShared };
    sendPage(res, headers, landingPage(landing, frame));
  };
}

async function landingFor(parts: LandingRouteParts, { headers }: Request): Promise<Landing> {
  const { authenticator, readiness } = parts;
  const known = {
    name: 'Holdfast' as const,
    status: isReady(readiness.report()) ? ('ready' as const) : ('not_ready' as const),
    keyNeeded: authenticator.needsKey,
    links: { api: '/v1', docs: '/docs', openapi: '/openapi.json' },
  };
  if (authenticator.tenantOfPerson(headers) === null)
    return { ...known, version: null, liveSessions: null, capacity: null };
  return { ...known, version: packageVersion(), ...(await figuresOf(parts)) };
}

async function figuresOf({
  authenticator,
  getCapacity,
  countSessions,
  log,
}: LandingRouteParts): Promise<Pick<Landing, 'liveSessions' | 'capacity'>> {
  try {
    const [capacity, counts] = await withinRedisBudget(Promise.all([getCapacity(), countSessions()]));
    return { capacity, liveSessions: authenticator.isShared ? null : counts.live };
  } catch (error) {
    log.debug({ reason: messageOf(error) }, 'the figures of the landing page could not be read');
    return { capacity: null, liveSessions: null };
  }
}
