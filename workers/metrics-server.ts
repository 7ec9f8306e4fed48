import { createServer } from 'node:http';
import type { Lifecycle } from '../src/core/lifecycle';
import type { Logger } from '../src/core/logger';
import type { Metrics } from '../src/events/metrics';

/**
 * Serves /metrics and /livez of a worker on a port of its own. A port that is taken is no reason not to own browsers: it
 * is said, and the worker goes on without.
 */
export async function serveMetrics(
  { metrics, lifecycle, log }: { metrics: Metrics; lifecycle: Lifecycle; log: Logger },
  host: string,
  port: number,
): Promise<void> {
  const server = createServer((request, response) => {
    if (request.url === '/livez') {
      response.end('ok');
      return;
    }
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      text => response.setHeader('content-type', metrics.registry.contentType).end(text),
      (error: unknown) => {
        log.error({ err: error }, 'metrics could not be collected');
        response.writeHead(500).end();
      },
    );
  });
  const failure = await new Promise<Error | null>(resolve => {
    server.once('error', resolve);
    server.listen(port, host, () => resolve(null));
  });
  if (failure !== null) {
    log.warn(
      { err: failure, port },
      'no /metrics of this worker: set HOLDFAST_METRICS_PORT to a free port, or to 0',
    );
    return;
  }
  lifecycle.defer('metrics server', () => {
    server.closeAllConnections();
    server.close();
  });
}
