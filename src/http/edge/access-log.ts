import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Clock } from '../../core/clock';
import { redactUrl, type Logger } from '../../core/logger';
import type { ApiMetrics } from '../../metrics/api-metrics';
import { contextOf } from './request-context';

/** Asked all the time by machines; worth a line only to somebody who is looking. */
const QUIET_ROUTES: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);

/** One log line and one observation a request. Metrics know routes by their pattern, never by what callers write. */
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
      // A caller that went away before the answer: nginx' number for it, since there is no official one.
      const status = res.writableFinished ? res.statusCode : 499;
      // A stream lasts as long as its reader likes: no duration of ours.
      if (!isStream(res)) {
        metrics.requestDuration.observe({ route, method: req.method, code: status }, durationMs / 1000);
      }
      const { requestId, tenant } = contextOf(res);
      const line = {
        requestId,
        tenant,
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
  // SAFETY: Express sets `route` once a route has matched; all of ours have string paths.
  const route = req.route as { readonly path: string } | undefined;
  return route?.path ?? 'unmatched';
}
