import type { MetricRegistry } from './metric-registry';

/** What Redis reports of itself, exported by every API process like {@link ClusterMetrics}. */
export class RedisMetrics {
  readonly noEviction;
  readonly persistent;
  readonly memoryUsed;
  readonly memoryMax;
  readonly clients;
  readonly commands;
  readonly response;

  constructor(registry: MetricRegistry) {
    registry.of('API');
    this.noEviction = registry.gauge({
      name: 'redis_noeviction',
      help: '1 if Redis refuses writes when its memory is full, 0 if it evicts sessions and jobs.',
    });
    this.persistent = registry.gauge({
      name: 'redis_persistent',
      help: '1 if Redis has an append-only file and its last write succeeded, else 0.',
    });
    this.memoryUsed = registry.gauge({
      name: 'redis_memory_used_bytes',
      help: 'Memory that Redis has allocated.',
    });
    this.memoryMax = registry.gauge({
      name: 'redis_memory_max_bytes',
      help: 'The memory limit of Redis: maxmemory, or the memory of its machine if that is not set.',
    });
    this.clients = registry.gauge({
      name: 'redis_connected_clients',
      help: 'Connections to Redis, from all clients.',
    });
    this.commands = registry.counter({
      name: 'redis_commands_processed_total',
      help: 'Commands that Redis has processed for all clients since this API first read the counter.',
    });
    this.response = registry.gauge({
      name: 'redis_response_seconds',
      help: 'Time that Redis took to answer the reads for the metrics of the whole installation.',
    });
  }
}
