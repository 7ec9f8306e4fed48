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
      help: '1 if Redis refuses writes when its memory is full, 0 if it would drop sessions and jobs instead.',
    });
    this.persistent = registry.gauge({
      name: 'redis_persistent',
      help: '1 if Redis appends to its file and the last write went well, else 0.',
    });
    this.memoryUsed = registry.gauge({
      name: 'redis_memory_used_bytes',
      help: 'Memory that Redis has allocated.',
    });
    this.memoryMax = registry.gauge({
      name: 'redis_memory_max_bytes',
      help: 'The limit on it: maxmemory, or where that is not set the memory of its machine.',
    });
    this.clients = registry.gauge({
      name: 'redis_connected_clients',
      help: 'Connections to Redis, of everybody.',
    });
    this.commands = registry.counter({
      name: 'redis_commands_processed_total',
      help: 'Commands Redis has processed, of everybody, since this API has looked at it.',
    });
    this.response = registry.gauge({
      name: 'redis_response_seconds',
      help: 'How long Redis took to answer the questions behind the numbers of the whole installation.',
    });
  }
}
