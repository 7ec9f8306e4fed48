import type { RequestHandler, Response } from 'express';
import { randomId } from '../../core/ids';

/** What we know of a request beyond what it says itself. */
export interface RequestContext {
  readonly requestId: string;
  /** Whether the caller chose the id: then a retry carries the same one. */
  readonly requestIdGiven: boolean;
  /** Whose sessions it may touch; null until it is authenticated, and for routes that need no key. */
  tenant: string | null;
  /** Aborted when the caller has gone away, or we are about to: no wait is worth going on with then. */
  readonly stopWaiting: AbortSignal;
}

const REQUEST_ID_PATTERN = /^[A-Za-z0-9_.:/+=-]{1,128}$/;

const contexts = new WeakMap<Response, RequestContext>();

/** The caller's request id, if it is one that can be echoed and logged, else a fresh one. */
export function requestIdOf(given: string | string[] | undefined): {
  requestId: string;
  requestIdGiven: boolean;
} {
  const usable = typeof given === 'string' && REQUEST_ID_PATTERN.test(given);
  return { requestId: usable ? given : randomId(), requestIdGiven: usable };
}

/**
 * The first middleware: names the request, says when nobody waits for it any more, sets the headers every answer has.
 *
 * @param draining - aborted when this process shuts down
 */
export function openContext(draining: AbortSignal): RequestHandler {
  // One listener for all requests: AbortSignal.any() on a signal of such long life leaves something behind each time.
  const open = new Set<AbortController>();
  draining.addEventListener('abort', () => open.forEach(stop => stop.abort()), { once: true });
  return (req, res, next) => {
    const stop = new AbortController();
    if (draining.aborted) stop.abort();
    open.add(stop);
    res.once('close', () => {
      open.delete(stop);
      stop.abort();
    });
    const named = requestIdOf(req.headers['x-request-id']);
    contexts.set(res, { ...named, tenant: null, stopWaiting: stop.signal });
    res.set({
      'X-Request-Id': named.requestId,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    next();
  };
}

/** The context of a request that went through {@link openContext}. */
export function contextOf(res: Response): RequestContext {
  const context = contexts.get(res);
  if (context === undefined) throw new Error('the request has no context yet');
  return context;
}

/** The tenant of an authenticated request. */
export function tenantOf(res: Response): string {
  const { tenant } = contextOf(res);
  if (tenant === null) throw new Error('the route is not behind authentication');
  return tenant;
}

/** How the history names whoever sent an authenticated request. */
export function actorOf(res: Response): string {
  return `key:${tenantOf(res)}`;
}
