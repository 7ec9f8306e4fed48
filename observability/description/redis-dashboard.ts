import { lines, stat, type Dashboard, type Row } from './panel';
import { cluster, WINDOW } from './promql';

const state: Row = {
  title: 'State',
  panels: [
    stat({
      title: 'In reach',
      description: '1 if every process of ours is answered.',
      unit: 'bool',
      expr: 'min(holdfast_redis_up)',
      thresholds: { bad: 1, below: true },
    }),
    stat({
      title: 'Drops nothing',
      description: '1 if maxmemory-policy is noeviction; anything else loses sessions and jobs silently.',
      unit: 'bool',
      expr: 'min(holdfast_redis_noeviction)',
      thresholds: { bad: 1, below: true },
    }),
    stat({
      title: 'Persistent',
      description: '1 if Redis appends to its file and the last write went well.',
      unit: 'bool',
      expr: 'min(holdfast_redis_persistent)',
      thresholds: { bad: 1, below: true },
    }),
    stat({
      title: 'Memory taken',
      description:
        'Part of the limit that is used. At the limit Redis refuses writes: no session is accepted any more.',
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
      description: 'Used, and the limit.',
      unit: 'bytes',
      queries: [
        { expr: cluster('holdfast_redis_memory_used_bytes'), legend: 'used' },
        { expr: cluster('holdfast_redis_memory_max_bytes'), legend: 'limit' },
      ],
    }),
    lines({
      title: 'Retained sessions',
      description: 'What most of the memory is for: ended sessions stay readable for HOLDFAST_RETENTION.',
      unit: 'short',
      stacked: true,
      queries: [{ expr: cluster('holdfast_sessions', 'status'), legend: '{{status}}' }],
    }),
    lines({
      title: 'Commands',
      description: 'Of everybody, per second.',
      unit: 'ops',
      queries: [
        { expr: `max(rate(holdfast_redis_commands_processed_total[${WINDOW}]))`, legend: 'commands' },
      ],
    }),
    lines({
      title: 'Answers to an API',
      description: 'Three round trips with the questions behind these numbers.',
      unit: 's',
      queries: [{ expr: 'max by (instance) (holdfast_redis_response_seconds)', legend: '{{instance}}' }],
      thresholds: { warn: 0.05, bad: 0.25 },
    }),
    lines({
      title: 'Connections',
      description: 'Of everybody.',
      unit: 'short',
      queries: [{ expr: cluster('holdfast_redis_connected_clients'), legend: 'connections' }],
    }),
    lines({
      title: 'In reach, by process',
      description: '1 if Redis has answered a process within a second.',
      unit: 'short',
      queries: [{ expr: 'min by (job, instance) (holdfast_redis_up)', legend: '{{job}} {{instance}}' }],
    }),
  ],
};

/** The dashboard of Redis: whether it keeps the data that it is given. */
export const REDIS_DASHBOARD: Dashboard = {
  uid: 'holdfast-redis',
  title: 'Holdfast / Redis',
  description: 'Whether Redis keeps what it is given.',
  rows: [state, load],
};
