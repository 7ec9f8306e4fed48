import type { NextFunction, Request, Response } from 'express';
import { randomId } from '../core/ids';

/** What we know of a request beyond what it says itself. */
export interface RequestContext {
  readonly requestId: string;
  /** Whether the caller chose the id: then a retry carries the same one. */
  readonly requestIdGiven: boolean;
  /** Whose sessions it may touch; null until it is authenticated, and for routes that need no key. */
  tenant: string | null;
  /** Aborted when the caller has gone away: whoever waits for it may stop. */
  readonly gone: AbortSignal;
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

/** The first middleware: names the request, watches whether its caller stays, sets the headers every answer has. */
export function openContext(req: Request, res: Response, next: NextFunction): void {
  const gone = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) gone.abort();
  });
  const named = requestIdOf(req.headers['x-request-id']);
  contexts.set(res, { ...named, tenant: null, gone: gone.signal });
  res.set({
    'X-Request-Id': named.requestId,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  next();
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
