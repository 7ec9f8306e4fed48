import type { Alert } from './alert';

/** Alerts about Redis: whether it keeps the data that it is given. */
export const REDIS_ALERTS: readonly Alert[] = [
  {
    name: 'HoldfastRedisDown',
    severity: 'critical',
    expr: 'min by (instance) (holdfast_redis_up) == 0',
    for: '15s',
    summary: 'Redis does not answer {{ $labels.instance }}: callers get 503, live browsers go on.',
    proof: {
      at: '5m',
      fires: [{ series: 'holdfast_redis_up{instance="a"}', values: '1 0x10' }],
      fired: [
        {
          labels: { instance: 'a' },
          summary: 'Redis does not answer a: callers get 503, live browsers go on.',
        },
      ],
      silent: [{ series: 'holdfast_redis_up{instance="a"}', values: '1 1 1 1 1 0 1' }],
    },
  },
  {
    name: 'HoldfastRedisEvicts',
    severity: 'critical',
    expr: 'min(holdfast_redis_noeviction) == 0',
    summary: 'Redis would evict sessions and jobs when its memory is full.',
    proof: {
      at: '5m',
      fires: [{ series: 'holdfast_redis_noeviction{instance="a"}', values: '0x10' }],
      fired: [{ summary: 'Redis would evict sessions and jobs when its memory is full.' }],
      silent: [{ series: 'holdfast_redis_noeviction{instance="a"}', values: '1x10' }],
    },
  },
  {
    name: 'HoldfastRedisNotPersistent',
    severity: 'critical',
    expr: 'min(holdfast_redis_persistent) == 0',
    for: '1m',
    summary: 'Redis does not write its append-only file: a restart would lose sessions.',
    proof: {
      at: '5m',
      fires: [{ series: 'holdfast_redis_persistent{instance="a"}', values: '1 0x10' }],
      fired: [{ summary: 'Redis does not write its append-only file: a restart would lose sessions.' }],
      silent: [{ series: 'holdfast_redis_persistent{instance="a"}', values: '1 1 1 1 1 0 1' }],
    },
  },
  {
    name: 'HoldfastRedisMemoryHigh',
    severity: 'warning',
    expr: 'max(holdfast_redis_memory_used_bytes / holdfast_redis_memory_max_bytes) > 0.8',
    for: '5m',
    summary:
      'Redis uses {{ $value | humanizePercentage }} of its memory. At the limit no session is accepted.',
    proof: {
      at: '10m',
      fires: [
        { series: 'holdfast_redis_memory_used_bytes{instance="a"}', values: '90x20' },
        { series: 'holdfast_redis_memory_max_bytes{instance="a"}', values: '100x20' },
      ],
      fired: [{ summary: 'Redis uses 90% of its memory. At the limit no session is accepted.' }],
      silent: [
        { series: 'holdfast_redis_memory_used_bytes{instance="a"}', values: '79x20' },
        { series: 'holdfast_redis_memory_max_bytes{instance="a"}', values: '100x20' },
      ],
    },
  },
];
