import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Clock } from '../../core/clock';
import { redactUrl, type Logger } from '../../core/logger';
import type { ApiMetrics } from '../../metrics/api-metrics';
import { contextOf } from './request-context';

/** Polled by machines all the time, so they are logged at level debug only. */
const QUIET_ROUTES: ReadonlySet<string> = new Set([
  '/livez',
  '/readyz',
  '/metrics',
  '/v1/sessions/:id/view/state',
  '/v1/sessions/:id/view/picture',
]);

/**
 * Writes one log line and one metric observation for each request. Metrics use the pattern of a route, never its actual
 * path.
 */
export function accessLog(
  metrics: Pick<ApiMetrics, 'requestDuration'>,
  log: Logger,
  clock: Clock,
): RequestHandler {
  return (req: Request, res: Response, next: NextFunction) => {
    const startedMs = clock.monotonicMs();
    res.once('close', () => {
      const durationMs = clock.monotonicMs() - startedMs;
      const route = routeOf(req);
      // 499 for a client that closed the connection before the answer: nginx' code, since there is no official one.
      const status = res.writableFinished ? res.statusCode : 499;
      // A stream lasts as long as its reader stays, so its duration is not observed.
      if (!isStream(res)) {
        metrics.requestDuration.observe({ route, method: req.method, code: status }, durationMs / 1000);
      }
      const { requestId, caller } = contextOf(res);
      const line = {
        requestId,
        tenant: caller?.tenant ?? null,
        method: req.method,
        url: redactUrl(req.originalUrl),
        status,
        durationMs: Math.round(durationMs * 10) / 10,
      };
      log[QUIET_ROUTES.has(route) ? 'debug' : status >= 500 ? 'warn' : 'info'](line, 'request');
    });
    next();
  };
}

const isStream = (res: Response): boolean =>
  String(res.getHeader('content-type')).startsWith('text/event-stream');

function routeOf(req: Request): string {
  // SAFETY: Express sets `route` once a route has matched; all routes here have string paths.
  const route = req.route as { readonly path: string } | undefined;
  // The base is where a router is mounted.
  return route === undefined ? 'unmatched' : req.baseUrl + route.path;
}
