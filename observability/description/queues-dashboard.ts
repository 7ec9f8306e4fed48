import { LATENESS_SECONDS } from './objectives';
import { lines, type Dashboard, type Row } from './panel';
import { cluster, increase, quantile, rate } from './promql';

const queues: Row = {
  title: 'Queues',
  panels: [
    lines({
      title: 'Jobs waiting',
      description: '`launch` waits while all slots are taken. The other queues are normally empty.',
      unit: 'short',
      queries: [{ expr: cluster('holdfast_queue_jobs{state="waiting"}', 'queue'), legend: '{{queue}}' }],
    }),
    lines({
      title: 'Longest wait',
      description:
        'Age of the job that has waited longest. On `ingress` the timestamps are from the producers.',
      unit: 's',
      queries: [{ expr: cluster('holdfast_queue_oldest_waiting_seconds', 'queue'), legend: '{{queue}}' }],
      thresholds: { warn: 5, bad: 15 },
    }),
    lines({
      title: 'Jobs active and delayed',
      description: 'Delayed jobs on `timers` are the deadlines of sessions that are due soon.',
      unit: 'short',
      queries: [
        {
          expr: cluster('holdfast_queue_jobs{state=~"active|delayed"}', 'queue, state'),
          legend: '{{queue}} {{state}}',
        },
      ],
    }),
    lines({
      title: 'Deliveries by outcome',
      description:
        'Outcomes of jobs. `again`: repeated later on purpose. `handed_back`: no free slot. `failed`: retried.',
      unit: 'ops',
      queries: [
        {
          expr: rate('holdfast_job_duration_seconds_count', 'queue, outcome'),
          legend: '{{queue}} {{outcome}}',
        },
      ],
    }),
    lines({
      title: 'Work on a job, p95',
      description: '`launch` takes as long as the start of a browser. Commands and timers take milliseconds.',
      unit: 's',
      queries: [{ expr: quantile(0.95, 'holdfast_job_duration_seconds', '', 'queue'), legend: '{{queue}}' }],
    }),
    lines({
      title: 'Quarantined and stalled',
      description:
        'Jobs that no consumer could handle, and jobs whose process was lost. Both are normally 0.',
      unit: 'short',
      queries: [
        { expr: increase('holdfast_jobs_contained_total', 'queue'), legend: '{{queue}} quarantined' },
        { expr: increase('holdfast_jobs_stalled_total', 'queue'), legend: '{{queue}} stalled' },
      ],
    }),
    lines({
      title: 'Commands unanswered',
      description:
        'Commands that got no answer from their queue, so that their sender executed them. Normally 0.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_commands_unanswered_total', 'command'), legend: '{{command}}' }],
    }),
    lines({
      title: 'In quarantine',
      description: 'Jobs in quarantine that were not retried or discarded yet: `holdfast jobs list`.',
      unit: 'short',
      queries: [{ expr: cluster('holdfast_quarantined_jobs'), legend: 'jobs' }],
      thresholds: { bad: 1 },
    }),
  ],
};

const timers: Row = {
  title: 'Timers',
  panels: [
    lines({
      title: 'Time-outs by layer',
      description:
        'What found the time-out: a delayed job, a late claim, or the sweep, which normally finds none.',
      unit: 'ops',
      stacked: true,
      queries: [{ expr: rate('holdfast_timeout_lateness_seconds_count', 'layer'), legend: '{{layer}}' }],
    }),
    lines({
      title: 'Lateness, p99 by kind',
      description: `Time from a deadline until its time-out is committed. Objective: ${LATENESS_SECONDS} s.`,
      unit: 's',
      queries: [
        { expr: quantile(0.99, 'holdfast_timeout_lateness_seconds', '', 'kind'), legend: '{{kind}}' },
      ],
      thresholds: { warn: 0.5, bad: LATENESS_SECONDS },
    }),
    lines({
      title: 'Overdue deadlines',
      description: 'Deadlines that passed more than a second ago without a time-out. Normally 0.',
      unit: 'short',
      queries: [{ expr: cluster('holdfast_timeouts_overdue', 'kind'), legend: '{{kind}}' }],
    }),
    lines({
      title: 'Recovered by the sweep',
      description: 'Time-outs whose delayed job did not run in time. Normally 0.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_timeouts_recovered_total', 'kind'), legend: '{{kind}}' }],
    }),
    lines({
      title: 'Repairs by sweep',
      description: 'Repairs that sweeps have made. Normally 0, except after a process was killed.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_sweep_repairs_total', 'sweep'), legend: '{{sweep}}' }],
    }),
    lines({
      title: 'Left behind',
      description: 'Browsers of ended sessions, and effects that were not enqueued, older than 5 s.',
      unit: 'short',
      queries: [{ expr: cluster('holdfast_orphans', 'kind'), legend: '{{kind}}' }],
    }),
  ],
};

/** The dashboard of the queues: whether jobs flow and deadlines are kept. */
export const QUEUES_DASHBOARD: Dashboard = {
  uid: 'holdfast-queues',
  title: 'Holdfast / Queues and timers',
  description: 'Whether jobs are handled and deadlines are met.',
  rows: [queues, timers],
};
