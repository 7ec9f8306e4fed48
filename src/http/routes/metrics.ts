import type { RequestHandler } from 'express';
import type { SessionStatus } from '../../../machines/session/session.types';
import type { Clock } from '../../core/clock';
import { messageOf } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { Metrics } from '../../events/metrics';
import { withinRedisBudget } from '../redis-budget';

/** Scrapes closer together than this share one look at Redis. */
const REFRESH_MS = 1_000;

/** What the route works with. */
export interface MetricsRouteParts {
  readonly metrics: Metrics;
  readonly counts: () => Promise<Readonly<Record<SessionStatus, number>>>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** `GET /metrics`: the page for Prometheus. It answers while Redis is away, without the numbers that come from there. */
export function metricsRoute({ metrics, counts, clock, log }: MetricsRouteParts): RequestHandler {
  let refreshedMs = -Infinity;
  const refresh = async (): Promise<void> => {
    refreshedMs = clock.monotonicMs();
    try {
      const byStatus = await withinRedisBudget(counts());
      for (const [status, count] of Object.entries(byStatus)) metrics.sessions.set({ status }, count);
    } catch (error) {
      // An old number would look like a fresh one.
      metrics.sessions.reset();
      log.debug({ reason: messageOf(error) }, 'sessions could not be counted');
    }
  };
  return async (_req, res) => {
    if (clock.monotonicMs() - refreshedMs >= REFRESH_MS) await refresh();
    res.type(metrics.registry.contentType).send(await metrics.text());
  };
}
