import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { withDeadline } from '../src/core/abort';
import type { Lifecycle } from '../src/core/lifecycle';
import type { Logger } from '../src/core/logger';
import type { Metrics } from '../src/metrics/metrics';
import type { MaintenanceStore } from '../src/store/maintenance-store';
import type { MetricsAccess } from './metrics-access';

/** How long Redis may take to count as up; a scrape must not wait longer for one number. */
const REDIS_ANSWERS_WITHIN_MS = 1_000;

const HEADERS = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
] as const;

/** Dependencies of {@link serveMetrics}. */
export interface MetricsServerParts {
  readonly metrics: Pick<Metrics, 'registry' | 'redisUp'>;
  readonly access: MetricsAccess;
  readonly maintenance: Pick<MaintenanceStore, 'nowMs'>;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
}

/**
 * Serves /metrics and /livez of a worker on a port of its own. /livez says nothing, and needs nothing. If the port is
 * in use, that is logged and the worker continues without metrics.
 */
export async function serveMetrics(
  { metrics, access, maintenance, lifecycle, log }: MetricsServerParts,
  host: string,
  port: number,
): Promise<void> {
  const page = async (): Promise<string> => {
    const isUp = await withDeadline('Redis', REDIS_ANSWERS_WITHIN_MS, maintenance.nowMs()).then(
      () => true,
      // Away or silent, which is the result.
      () => false,
    );
    metrics.redisUp.set({}, Number(isUp));
    return metrics.registry.text();
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === '/livez') {
      response.end('ok');
      return;
    }
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    const refused = await access(request);
    if (refused === null) response.setHeader('content-type', metrics.registry.contentType).end(await page());
    else response.writeHead(refused, refused === 401 ? { 'www-authenticate': 'Bearer' } : {}).end();
  };
  const server = createServer((request, response) => {
    for (const [name, value] of HEADERS) response.setHeader(name, value);
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'metrics could not be collected');
      response.writeHead(500).end();
    });
  });
  const failure = await new Promise<Error | null>(resolve => {
    server.once('error', resolve);
    server.listen(port, host, () => resolve(null));
  });
  if (failure !== null) {
    log.warn(
      { err: failure, port },
      'this worker does not serve /metrics: set HOLDFAST_METRICS_PORT to a free port, or to 0 for none',
    );
    return;
  }
  lifecycle.defer('metrics server', () => {
    server.closeAllConnections();
    server.close();
  });
}
