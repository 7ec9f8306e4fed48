import type { RequestHandler } from 'express';
import type { Readiness, ReadinessReport } from '../readiness';

/**
 * `GET /livez`: this process runs its event loop. Says nothing about Redis, so that an outage of Redis does not make an
 * orchestrator restart this process.
 */
export const livezRoute: RequestHandler = (_req, res) => {
  res.json({ status: 'ok' });
};

/** `GET /readyz`: 200 if a change sent through the whole path takes effect, else 503. */
export function readyzRoute(readiness: Pick<Readiness, 'report'>): RequestHandler {
  return (_req, res) => {
    const report = readiness.report();
    const ready = isReady(report);
    res.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not_ready', checks: report });
  };
}

/** Whether every check of a report has passed. */
export const isReady = (report: ReadinessReport): boolean =>
  Object.values(report).every(check => check === 'ok');
