import type { RequestHandler } from 'express';
import type { Clock } from '../../core/clock';
import type { Metrics } from '../../metrics/metrics';
import type { ClusterExporter } from '../cluster-exporter';

/** Scrapes within this time share one read of Redis. */
const REFRESH_MS = 1_000;

/** Dependencies of the route. */
export interface MetricsRouteParts {
  readonly metrics: Pick<Metrics, 'registry'>;
  readonly cluster: Pick<ClusterExporter, 'refresh'>;
  /** Updates the metrics that this process counts elsewhere. */
  readonly observeClients: () => void;
  readonly clock: Clock;
}

/**
 * `GET /metrics`: the page for Prometheus. It answers while Redis is away, without the numbers that come from Redis.
 */
export function metricsRoute({ metrics, cluster, observeClients, clock }: MetricsRouteParts): RequestHandler {
  let refreshedMs = -Infinity;
  let refreshing = Promise.resolve();
  return async (_req, res) => {
    if (clock.monotonicMs() - refreshedMs >= REFRESH_MS) {
      refreshedMs = clock.monotonicMs();
      refreshing = cluster.refresh();
    }
    await refreshing;
    observeClients();
    res.type(metrics.registry.contentType).send(await metrics.registry.text());
  };
}
