import { ERROR_CATALOGUE } from '../core/errors';
import type { MetricRegistry } from './metric-registry';

const REQUEST_BUCKETS = [0.002, 0.005, 0.015, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30];

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Status codes of answers; 499 is nginx' code for a client that closed the connection first. */
const STATUS_CODES = [
  ...[200, 201, 202, 204, 206, 301, 302, 304],
  ...[400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 415, 416, 422, 426, 429, 431, 499],
  ...[500, 502, 503, 504],
];

/** Metrics of an API process only: its requests and the clients it carries. */
export class ApiMetrics {
  readonly requestDuration;
  readonly cdpConnections;
  readonly cdpBytes;
  readonly cdpUpgradeFailures;
  readonly cdpClientsCut;
  readonly eventStreams;

  /** @param routes - every route pattern; requests that match none are `unmatched` */
  constructor(registry: MetricRegistry, routes: readonly string[]) {
    registry.of('API');
    this.requestDuration = registry.histogram({
      name: 'http_request_duration_seconds',
      help: 'HTTP requests by route pattern, without event streams, which last until the client ends them.',
      labels: { route: [...routes, 'unmatched'], method: METHODS, code: STATUS_CODES },
      buckets: REQUEST_BUCKETS,
    });
    this.cdpConnections = registry.gauge({
      name: 'cdp_connections',
      help: 'CDP clients that are connected through this process.',
    });
    this.cdpBytes = registry.counter({
      name: 'cdp_bytes_total',
      help: 'Bytes forwarded for CDP clients, including handshakes.',
      labels: { direction: ['from_client', 'to_client'] },
    });
    this.cdpUpgradeFailures = registry.counter({
      name: 'cdp_upgrade_failures_total',
      help: 'WebSocket upgrades that were refused or failed, by error code.',
      labels: { code: Object.keys(ERROR_CATALOGUE) },
    });
    this.cdpClientsCut = registry.counter({
      name: 'cdp_clients_cut_total',
      help: 'CDP clients that were disconnected because they did not read the data of their browser.',
    });
    this.eventStreams = registry.gauge({
      name: 'event_streams',
      help: 'Open streams of server-sent events.',
    });
  }
}
