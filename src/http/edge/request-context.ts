import type { RequestHandler, Response } from 'express';
import { randomId } from '../../core/ids';
import { mayUse, type Caller } from './caller';

/** What the server knows of a request beyond its content. */
export interface RequestContext {
  readonly requestId: string;
  /** Whether the client chose the id; a retry then carries the same one. */
  readonly requestIdGiven: boolean;
  /** Null until it is authenticated, and for routes that need no key. */
  readonly caller: Caller | null;
  /** Aborted when the client has disconnected, its key is revoked, or this process shuts down: waits must then end. */
  readonly stopWaiting: AbortSignal;
}

interface OpenContext extends RequestContext {
  caller: Caller | null;
  readonly stop: () => void;
}

const REQUEST_ID_PATTERN = /^[A-Za-z0-9_.:/+=-]{1,128}$/;

const contexts = new WeakMap<Response, OpenContext>();

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
      // After a whole answer nothing waits any more, and an abort makes an error with its stack.
      if (!res.writableFinished) stop.abort();
    });
    const named = requestIdOf(req.headers['x-request-id']);
    contexts.set(res, { ...named, caller: null, stopWaiting: stop.signal, stop: () => stop.abort() });
    res.set({
      'X-Request-Id': named.requestId,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    });
    next();
  };
}

/** A request is authenticated: it ends when its key does. */
export function admit(res: Response, caller: Caller): void {
  const context = openContextOf(res);
  context.caller = caller;
  const { revoked } = caller;
  if (revoked === null) return;
  revoked.addEventListener('abort', context.stop, { once: true });
  res.once('close', () => revoked.removeEventListener('abort', context.stop));
}

/** The context of a request that went through {@link openContext}. */
export const contextOf = (res: Response): RequestContext => openContextOf(res);

function openContextOf(res: Response): OpenContext {
  const context = contexts.get(res);
  if (context === undefined) throw new Error('the request has no context yet');
  return context;
}

/** The caller of an authenticated request. */
export function callerOf(res: Response): Caller {
  const { caller } = contextOf(res);
  if (caller === null) throw new Error('the route is not behind authentication');
  return caller;
}

/** The tenant of an authenticated request. */
export const tenantOf = (res: Response): string => callerOf(res).tenant;

/** Whether the key of an authenticated request may connect to browsers; one that only reads gets no token for that. */
export const mayConnect = (res: Response): boolean => mayUse(callerOf(res), 'sessions');

/** The actor in the history for an authenticated request. */
export const actorOf = (res: Response): string => callerOf(res).actor;
