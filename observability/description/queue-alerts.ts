import type { Alert } from './alert';
import { increase } from './promql';

const QUARANTINED = 'holdfast_jobs_contained_total';
const REPAIRS = 'holdfast_sweep_repairs_total';
const STALLED = 'holdfast_jobs_stalled_total';

/** Alerts about the queues: whether jobs flow. */
export const QUEUE_ALERTS: readonly Alert[] = [
  {
    name: 'HoldfastQueueWaits',
    severity: 'warning',
    expr: 'max by (queue) (holdfast_queue_oldest_waiting_seconds) > 15',
    for: '1m',
    summary: 'A job on {{ $labels.queue }} has been waiting for {{ $value | humanizeDuration }}.',
    proof: {
      at: '5m',
      fires: [{ series: 'holdfast_queue_oldest_waiting_seconds{queue="launch"}', values: '0 20+60x10' }],
      fired: [{ labels: { queue: 'launch' }, summary: 'A job on launch has been waiting for 4m 20s.' }],
      silent: [
        { series: 'holdfast_queue_oldest_waiting_seconds{queue="launch"}', values: '0 10 20 10 14 10' },
      ],
    },
  },
  {
    name: 'HoldfastSweepsRepair',
    severity: 'warning',
    expr: `${increase(`${REPAIRS}{sweep!="retention"}`, 'sweep', '10m')} > 0`,
    summary: 'The sweep {{ $labels.sweep }} has made repairs, because another part of the service failed.',
    proof: {
      at: '5m',
      fires: [{ series: `${REPAIRS}{sweep="overdue"}`, values: '0 0 3x10' }],
      fired: [
        {
          labels: { sweep: 'overdue' },
          summary: 'The sweep overdue has made repairs, because another part of the service failed.',
        },
      ],
      silent: [{ series: `${REPAIRS}{sweep="overdue"}`, values: '3x10' }],
    },
  },
  {
    name: 'HoldfastQuarantineGrows',
    severity: 'warning',
    expr: `${increase(QUARANTINED, 'queue, reason', '15m')} > 0`,
    summary: 'Jobs on {{ $labels.queue }} could not be handled ({{ $labels.reason }}).',
    proof: {
      at: '5m',
      fires: [{ series: `${QUARANTINED}{queue="ingress",reason="malformed"}`, values: '0 0 1x10' }],
      fired: [
        {
          labels: { queue: 'ingress', reason: 'malformed' },
          summary: 'Jobs on ingress could not be handled (malformed).',
        },
      ],
      silent: [{ series: `${QUARANTINED}{queue="ingress",reason="malformed"}`, values: '7x10' }],
    },
  },
  {
    name: 'HoldfastJobsStall',
    severity: 'warning',
    expr: `${increase(STALLED, 'queue', '15m')} > 0`,
    summary: 'Processes were lost while they handled jobs on {{ $labels.queue }}.',
    proof: {
      at: '5m',
      fires: [{ series: `${STALLED}{queue="launch"}`, values: '0 0 1x10' }],
      fired: [
        { labels: { queue: 'launch' }, summary: 'Processes were lost while they handled jobs on launch.' },
      ],
      silent: [{ series: `${STALLED}{queue="launch"}`, values: '2x10' }],
    },
  },
];
