import type { RequestHandler, Response } from 'express';
import { randomId } from '../../core/ids';

/** What the server knows of a request beyond its content. */
export interface RequestContext {
  readonly requestId: string;
  /** Whether the client chose the id; a retry then carries the same one. */
  readonly requestIdGiven: boolean;
  /** The tenant whose sessions it may access; null until it is authenticated, and for routes that need no key. */
  tenant: string | null;
  /** Aborted when the client has disconnected, or this process shuts down: waits must then end. */
  readonly stopWaiting: AbortSignal;
}

const REQUEST_ID_PATTERN = /^[A-Za-z0-9_.:/+=-]{1,128}$/;

const contexts = new WeakMap<Response, RequestContext>();

/** The client's request id, if it can be echoed and logged, else a fresh one. */
export function requestIdOf(given: string | string[] | undefined): {
  requestId: string;
  requestIdGiven: boolean;
} {
  const usable = typeof given === 'string' && REQUEST_ID_PATTERN.test(given);
  return { requestId: usable ? given : randomId(), requestIdGiven: usable };
}

/**
 * The first middleware: gives the request an id, aborts its signal when the client no longer waits, and sets the
 * headers of every answer.
 *
 * @param draining - aborted when this process shuts down
 */
export function openContext(draining: AbortSignal): RequestHandler {
  // One listener for all requests: each AbortSignal.any() on a long-lived signal leaks memory.
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

/** The actor in the history for an authenticated request. */
export function actorOf(res: Response): string {
  return `key:${tenantOf(res)}`;
}
