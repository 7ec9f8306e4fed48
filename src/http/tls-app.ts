import express, { type Express } from 'express';
import type { Clock } from '../core/clock';
import type { Logger } from '../core/logger';
import type { ApiMetrics } from '../metrics/api-metrics';
import type { Dialect } from './dialects/dialect';
import { dialectRouter } from './dialects/router';
import { accessLog } from './edge/access-log';
import type { Authenticator } from './edge/authenticator';
import type { EdgeGuard } from './edge/edge-guard';
import { errorHandler } from './edge/error-handler';
import { openContext } from './edge/request-context';
import { livezRoute } from './routes/health';

/** Dependencies of {@link tlsApp}. */
export interface TlsAppParts {
  readonly dialects: readonly Dialect[];
  /** Of the TLS listener. */
  readonly guard: EdgeGuard;
  readonly authenticator: Authenticator;
  /** Aborted when this process shuts down. */
  readonly draining: AbortSignal;
  readonly apiMetrics: ApiMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The HTTP side of the TLS listener: the dialects whose clients speak TLS only, and nothing else. */
export function tlsApp(parts: TlsAppParts): Express {
  const { dialects, guard, draining, apiMetrics, clock, log } = parts;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(openContext(draining));
  app.use(accessLog(apiMetrics, log, clock));
  for (const dialect of dialects) {
    if (dialect.isOnTls !== true) continue;
    app.use((req, _res, next) => {
      guard(req);
      next();
    });
    app.get('/livez', livezRoute);
    app.use(dialect.mount, dialectRouter(dialect, parts));
    app.use(errorHandler(log, dialect.errorAnswer));
  }
  return app;
}
