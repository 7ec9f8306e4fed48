import { lines, stat, type Dashboard, type Row } from './panel';
import { cluster, WINDOW } from './promql';

const state: Row = {
  title: 'State',
  panels: [
    stat({
      title: 'Reachable',
      description: '1 if Redis answers every process of the service.',
      unit: 'bool',
      expr: 'min(holdfast_redis_up)',
      thresholds: { bad: 1, below: true },
    }),
    stat({
      title: 'No eviction',
      description: '1 if maxmemory-policy is noeviction. Any other policy loses sessions and jobs silently.',
      unit: 'bool',
      expr: 'min(holdfast_redis_noeviction)',
      thresholds: { bad: 1, below: true },
    }),
    stat({
      title: 'Persistent',
      description: '1 if Redis has an append-only file and its last write succeeded.',
      unit: 'bool',
      expr: 'min(holdfast_redis_persistent)',
      thresholds: { bad: 1, below: true },
    }),
    stat({
      title: 'Memory used',
      description:
        'The used part of the memory limit. At the limit Redis refuses writes, and no session is accepted.',
      unit: 'percentunit',
      expr: 'max(holdfast_redis_memory_used_bytes / holdfast_redis_memory_max_bytes)',
      thresholds: { warn: 0.6, bad: 0.8 },
    }),
  ],
};

const load: Row = {
  title: 'Load',
  panels: [
    lines({
      title: 'Memory',
      description: 'The used memory and the limit.',
      unit: 'bytes',
      queries: [
        { expr: cluster('holdfast_redis_memory_used_bytes'), legend: 'used' },
        { expr: cluster('holdfast_redis_memory_max_bytes'), legend: 'limit' },
      ],
    }),
    lines({
      title: 'Retained sessions',
      description: 'Sessions take most of the memory. Ended sessions are kept for HOLDFAST_RETENTION.',
      unit: 'short',
      stacked: true,
      queries: [{ expr: cluster('holdfast_sessions', 'status'), legend: '{{status}}' }],
    }),
    lines({
      title: 'Commands',
      description: 'Commands per second, from all clients.',
      unit: 'ops',
      queries: [
        { expr: `max(rate(holdfast_redis_commands_processed_total[${WINDOW}]))`, legend: 'commands' },
      ],
    }),
    lines({
      title: 'Response time',
      description: 'Time that Redis takes for the three round trips that read these numbers.',
      unit: 's',
      queries: [{ expr: 'max by (instance) (holdfast_redis_response_seconds)', legend: '{{instance}}' }],
      thresholds: { warn: 0.05, bad: 0.25 },
    }),
    lines({
      title: 'Connections',
      description: 'Connections of all clients.',
      unit: 'short',
      queries: [{ expr: cluster('holdfast_redis_connected_clients'), legend: 'connections' }],
    }),
    lines({
      title: 'Reachable, by process',
      description: '1 if Redis answered the last check of a process within a second.',
      unit: 'short',
      queries: [{ expr: 'min by (job, instance) (holdfast_redis_up)', legend: '{{job}} {{instance}}' }],
    }),
  ],
};

/** The dashboard of Redis: whether it keeps the data that it is given. */
export const REDIS_DASHBOARD: Dashboard = {
  uid: 'holdfast-redis',
  title: 'Holdfast / Redis',
  description: 'Whether Redis is reachable and loses nothing.',
  rows: [state, load],
};
