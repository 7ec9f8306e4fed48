import type { Request, RequestHandler } from 'express';
import type { SessionStatus } from '../../../machines/session/session.words';
import { packageVersion } from '../../config/version';
import { messageOf } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { GetCapacity } from '../../queries/list-workers';
import type { Authenticator } from '../edge/authenticator';
import { mayUse, type Caller } from '../edge/caller';
import { baseUrlOf } from '../edge/base-url';
import { pageHeaders, sendPage } from '../pages/html';
import { LANDING_STYLE, landingPage, type Landing } from '../pages/landing-page';
import type { Readiness } from '../readiness';
import { withinRedisBudget } from '../edge/redis-budget';
import { isReady } from './health';

/** Dependencies of the route. */
export interface LandingRouteParts {
  readonly authenticator: Pick<Authenticator, 'callerOfPerson' | 'isShared' | 'needsKey'>;
  readonly readiness: Pick<Readiness, 'report'>;
  readonly getCapacity: GetCapacity;
  /** Sessions of all tenants by status. */
  readonly countSessions: () => Promise<Readonly<Record<SessionStatus, number>>>;
  readonly publicUrl: string | null;
  readonly log: Logger;
}

/**
 * `GET /`: a page for people, JSON for programs. It answers also while Redis is away, when operators look at it.
 * Without a key, where one is needed, it shows nothing that needs one. The number of live sessions of all tenants needs
 * the scope `admin`.
 */
export function landingRoute(parts: LandingRouteParts): RequestHandler {
  const { authenticator, publicUrl } = parts;
  const headers = pageHeaders({ style: LANDING_STYLE });
  return async (req, res) => {
    const caller = await knownCaller(parts, req);
    const landing = await landingFor(parts, caller);
    res.vary('Accept').vary('Authorization');
    if (req.accepts(['json', 'html']) !== 'html') {
      res.json(landing);
      return;
    }
    const frame = {
      baseUrl: baseUrlOf(req, publicUrl),
      hasBoard: caller === null ? !authenticator.isShared : mayUse(caller, 'admin'),
    };
    sendPage(res, headers, landingPage(landing, frame));
  };
}

/* A key that cannot be checked, because Redis is away, shows nothing. */
async function knownCaller({ authenticator, log }: LandingRouteParts, req: Request): Promise<Caller | null> {
  try {
    return await authenticator.callerOfPerson(req, null);
  } catch (error) {
    log.debug({ reason: messageOf(error) }, 'the key of a request for the landing page could not be checked');
    return null;
  }
}

async function landingFor(parts: LandingRouteParts, caller: Caller | null): Promise<Landing> {
  const { authenticator, readiness } = parts;
  const known = {
    name: 'Holdfast' as const,
    status: isReady(readiness.report()) ? ('ready' as const) : ('not_ready' as const),
    keyNeeded: authenticator.needsKey,
    links: { api: '/v1', docs: '/docs', openapi: '/openapi.json' },
  };
  if (caller === null) return { ...known, version: null, liveSessions: null, capacity: null };
  return { ...known, version: packageVersion(), ...(await figuresOf(parts, caller)) };
}

async function figuresOf(
  { getCapacity, countSessions, log }: LandingRouteParts,
  caller: Caller,
): Promise<Pick<Landing, 'liveSessions' | 'capacity'>> {
  try {
    const [capacity, counts] = await withinRedisBudget(Promise.all([getCapacity(), countSessions()]));
    return { capacity, liveSessions: mayUse(caller, 'admin') ? counts.live : null };
  } catch (error) {
    log.debug({ reason: messageOf(error) }, 'the figures of the landing page could not be read');
    return { capacity: null, liveSessions: null };
  }
}
