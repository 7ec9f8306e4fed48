import { LATENESS_SECONDS } from './objectives';
import { lines, type Dashboard, type Row } from './panel';
import { cluster, increase, quantile, rate } from './promql';

const queues: Row = {
  title: 'Queues',
  panels: [
    lines({
      title: 'Jobs waiting',
      description: '`launch` waits while all slots are taken; the others are empty in health.',
      unit: 'short',
      queries: [{ expr: cluster('holdfast_queue_jobs{state="waiting"}', 'queue'), legend: '{{queue}}' }],
    }),
    lines({
      title: 'Longest wait',
      description:
        'Age of the job that has waited longest. On `ingress` producers write the time themselves.',
      unit: 's',
      queries: [{ expr: cluster('holdfast_queue_oldest_waiting_seconds', 'queue'), legend: '{{queue}}' }],
      thresholds: { warn: 5, bad: 15 },
    }),
    lines({
      title: 'Jobs active and delayed',
      description: 'Delayed jobs on `timers` are the deadlines of sessions.',
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
        'What became of jobs. `again`: on purpose, later; `handed_back`: no slot; `failed`: is tried again.',
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
      description: '`launch` takes as long as a browser; commands and timers take milliseconds.',
      unit: 's',
      queries: [{ expr: quantile(0.95, 'holdfast_job_duration_seconds', '', 'queue'), legend: '{{queue}}' }],
    }),
    lines({
      title: 'Contained and stalled',
      description: 'Jobs nobody could handle, and jobs whose process went away. Both 0 in health.',
      unit: 'short',
      queries: [
        { expr: increase('holdfast_jobs_contained_total', 'queue'), legend: '{{queue}} contained' },
        { expr: increase('holdfast_jobs_stalled_total', 'queue'), legend: '{{queue}} stalled' },
      ],
    }),
    lines({
      title: 'Commands unanswered',
      description: 'Commands that the queue left lying, carried out by their sender instead. 0 in health.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_commands_unanswered_total', 'command'), legend: '{{command}}' }],
    }),
    lines({
      title: 'In quarantine',
      description: 'Contained jobs that nobody has tried again or discarded: `holdfast jobs list`.',
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
        'What found that the time was up: a delayed job, a claim that came too late, or the sweep that should have nothing to do.',
      unit: 'ops',
      stacked: true,
      queries: [{ expr: rate('holdfast_timeout_lateness_seconds_count', 'layer'), legend: '{{layer}}' }],
    }),
    lines({
      title: 'Lateness, p99 by kind',
      description: `How long after its deadline a time-out is committed. Promised: ${LATENESS_SECONDS} s.`,
      unit: 's',
      queries: [
        { expr: quantile(0.99, 'holdfast_timeout_lateness_seconds', '', 'kind'), legend: '{{kind}}' },
      ],
      thresholds: { warn: 0.5, bad: LATENESS_SECONDS },
    }),
    lines({
      title: 'Overdue deadlines',
      description: 'Passed more than a second ago without an end. Always 0 in health.',
      unit: 'short',
      queries: [{ expr: cluster('holdfast_timeouts_overdue', 'kind'), legend: '{{kind}}' }],
    }),
    lines({
      title: 'Recovered by the sweep',
      description: 'Time-outs whose delayed job did not come in time. 0 in health.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_timeouts_recovered_total', 'kind'), legend: '{{kind}}' }],
    }),
    lines({
      title: 'Repairs by sweep',
      description: 'Things a sweep had to put right. 0 in health; some after a process was killed.',
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
  description: 'Whether jobs flow and deadlines are kept.',
  rows: [queues, timers],
};
