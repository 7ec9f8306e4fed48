import { lines, type Row } from './panel';
import { increase, quantile, rate } from './promql';

/** What browsers do, on the dashboard of workers. */
export const BROWSERS_ROW: Row = {
  title: 'Browsers',
  panels: [
    lines({
      title: 'Launches by result',
      description: '`cancelled`: the session ended first.',
      unit: 'ops',
      stacked: true,
      queries: [
        { expr: rate('holdfast_browser_launch_duration_seconds_count', 'result'), legend: '{{result}}' },
      ],
    }),
    lines({
      title: 'Launches, warm and cold',
      description: '`warm`: the browser was ready before its session.',
      unit: 'ops',
      stacked: true,
      queries: [{ expr: rate('holdfast_browser_launches_total', 'start'), legend: '{{start}}' }],
    }),
    lines({
      title: 'Warm browsers',
      description: 'Browsers that are ready, by worker; those that were ended without a session, by cause.',
      unit: 'short',
      queries: [
        { expr: 'sum by (instance) (holdfast_worker_slots{state="warm"})', legend: '{{instance}}' },
        { expr: increase('holdfast_warm_browsers_ended_total', 'cause'), legend: 'ended: {{cause}}' },
      ],
    }),
    lines({
      title: 'Sleeping browsers',
      description:
        'Browsers of sessions with `sleepAfter` that sleep, by worker; how often they fall asleep, breathe and are woken.',
      unit: 'short',
      queries: [
        { expr: 'sum by (instance) (holdfast_browsers_asleep)', legend: '{{instance}}' },
        { expr: increase('holdfast_browser_sleeps_total'), legend: 'fallen asleep' },
        { expr: increase('holdfast_browser_breaths_total'), legend: 'breaths' },
        { expr: increase('holdfast_browser_wakes_total'), legend: 'woken' },
      ],
    }),
    lines({
      title: 'Wake, p99',
      description: 'Time from the first byte of the client that woke a browser to its first byte from there.',
      unit: 's',
      queries: [
        { expr: quantile(0.99, 'holdfast_browser_wake_duration_seconds'), legend: 'p99' },
        { expr: quantile(0.5, 'holdfast_browser_wake_duration_seconds'), legend: 'median' },
      ],
    }),
    lines({
      title: 'Launch, p95',
      description: 'Time from the order to the keeper until the browser is ready for its client.',
      unit: 's',
      queries: [
        {
          expr: quantile(0.95, 'holdfast_browser_launch_duration_seconds', '{result="ready"}', 'instance'),
          legend: '{{instance}}',
        },
      ],
      thresholds: { warn: 2, bad: 5 },
    }),
    lines({
      title: 'Crashed',
      description: 'Sessions whose browser crashed, hung or reached a limit.',
      unit: 'short',
      queries: [
        {
          expr: increase(
            'holdfast_sessions_ended_total{reason=~"browser_crashed|browser_unresponsive|resource_limit"}',
            'reason',
          ),
          legend: '{{reason}}',
        },
      ],
    }),
    lines({
      title: 'Browser processes',
      description: 'Of all workers. Linux only.',
      unit: 'short',
      queries: [{ expr: 'sum by (instance) (holdfast_browser_processes)', legend: '{{instance}}' }],
    }),
    lines({
      title: 'Browser memory',
      description: 'Resident; shared pages count once for each process. Linux only.',
      unit: 'bytes',
      queries: [
        { expr: 'sum by (instance) (holdfast_browser_resident_memory_bytes)', legend: '{{instance}}' },
      ],
    }),
    lines({
      title: 'Memory short',
      description:
        '1 while launches wait because memory is short. More than a moment: fewer slots, or more memory.',
      unit: 'short',
      queries: [{ expr: 'sum by (instance) (holdfast_worker_memory_short)', legend: '{{instance}}' }],
    }),
    lines({
      title: 'Browser CPU',
      description: 'Cores that browsers use, sampled every 10 s. Linux only.',
      unit: 'short',
      queries: [{ expr: rate('holdfast_browser_cpu_seconds_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Orphans reaped',
      description:
        'Browsers without a session that keepers have ended. Normally 0, except after a process was killed.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_orphans_reaped_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Downloads cut',
      description: 'Sessions had used up their quota (`HOLDFAST_DOWNLOADS_MAX_BYTES`).',
      unit: 'short',
      queries: [{ expr: increase('holdfast_downloads_cut_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Uploads cut',
      description: 'Sessions had used up their quota (`HOLDFAST_UPLOADS_MAX_BYTES`).',
      unit: 'short',
      queries: [{ expr: increase('holdfast_uploads_cut_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Egress',
      description: 'What browsers send and receive through their forward proxies.',
      unit: 'Bps',
      queries: [
        {
          expr: rate('holdfast_egress_bytes_total', 'instance, direction'),
          legend: '{{instance}} {{direction}}',
        },
      ],
    }),
    lines({
      title: 'Egress refused',
      description: 'Requests of browsers that `HOLDFAST_EGRESS` or their sessions do not permit.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_egress_refused_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Keepers registered with',
      description: 'One at each start of a worker, and one after each lost keeper.',
      unit: 'short',
      queries: [
        { expr: increase('holdfast_keeper_registrations_total', 'instance'), legend: '{{instance}}' },
      ],
    }),
  ],
};
