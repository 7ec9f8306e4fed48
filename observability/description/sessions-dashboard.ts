import {
  ERROR_BUDGET,
  FAST_BURN,
  LATENESS_SECONDS,
  SLOW_BURN,
  START_OBJECTIVE,
  START_WITHIN_SECONDS,
} from './objectives';
import { lines, stat, type Dashboard, type Row } from './panel';
import { WINDOW, cluster, increase, quantile, quantiles, rate } from './promql';
import { BURN_WINDOWS, startErrorRatio } from './recording-rules';

const objectives: Row = {
  title: 'Objectives',
  panels: [
    stat({
      title: 'Start, p95',
      description: `Time from acceptance until live. Objective: 99 % of starts within ${START_WITHIN_SECONDS} s.`,
      unit: 's',
      expr: quantile(0.95, 'holdfast_session_start_duration_seconds', '{outcome="live"}', '', '1h'),
      thresholds: { warn: 2, bad: START_WITHIN_SECONDS },
    }),
    stat({
      title: 'Starts in time, 1 h',
      description: 'Part of the starts of the last hour that met the objective.',
      unit: 'percentunit',
      expr: `1 - ${startErrorRatio('1h')}`,
      thresholds: { warn: 0.999, bad: START_OBJECTIVE, below: true },
    }),
    stat({
      title: 'Budget burn, 1 h',
      description: 'How fast the error budget of starts is used up. At 1 it lasts a month.',
      unit: 'none',
      expr: `${startErrorRatio('1h')} / ${ERROR_BUDGET}`,
      thresholds: { warn: SLOW_BURN, bad: FAST_BURN },
    }),
    stat({
      title: 'Ended failed, 1 h',
      description: 'Part of the sessions of the last hour that failed: launch, queue, crash or lost worker.',
      unit: 'percentunit',
      expr: 'holdfast:session_failure:ratio_rate1h',
      thresholds: { warn: 0.01, bad: 0.05 },
    }),
    stat({
      title: 'Time-outs late, p99',
      description: `Time from a deadline until its time-out is committed. Objective: ${LATENESS_SECONDS} s.`,
      unit: 's',
      expr: quantile(0.99, 'holdfast_timeout_lateness_seconds', '', '', '1h'),
      thresholds: { warn: 0.5, bad: LATENESS_SECONDS },
    }),
    stat({
      title: 'Deadlines overdue',
      description: 'Deadlines that passed more than a second ago without a time-out. Normally 0.',
      unit: 'short',
      expr: 'sum(max by (kind) (holdfast_timeouts_overdue))',
      thresholds: { bad: 1 },
    }),
  ],
};

const flow: Row = {
  title: 'Sessions',
  panels: [
    lines({
      title: 'Waiting and live',
      description: 'Sessions that wait for a browser or have one.',
      unit: 'short',
      queries: [
        { expr: cluster('holdfast_sessions{status=~"created|live"}', 'status'), legend: '{{status}}' },
        { expr: cluster('holdfast_slots{state="total"}'), legend: 'slots' },
      ],
    }),
    lines({
      title: 'Created per minute',
      description: 'Accepted sessions, by source.',
      unit: 'cpm',
      stacked: true,
      queries: [{ expr: `60 * ${rate('holdfast_sessions_created_total', 'source')}`, legend: '{{source}}' }],
    }),
    lines({
      title: 'Refused by quotas',
      description: 'Requests that were refused because a quota of their tenant was used up, by quota.',
      unit: 'short',
      stacked: true,
      queries: [{ expr: increase('holdfast_quota_refusals_total', 'quota'), legend: '{{quota}}' }],
    }),
    lines({
      title: 'API keys refused',
      description:
        '`wrong` keys, and keys that were left `unchecked` because their address had sent too many wrong ones.',
      unit: 'short',
      stacked: true,
      queries: [{ expr: increase('holdfast_keys_refused_total', 'outcome'), legend: '{{outcome}}' }],
    }),
    lines({
      title: 'Ends by reason',
      description:
        'How sessions ended. `released_…` and the time-outs are normal, all other reasons are failures.',
      unit: 'short',
      stacked: true,
      queries: [{ expr: increase('holdfast_sessions_ended_total', 'reason'), legend: '{{reason}}' }],
    }),
    lines({
      title: 'Start',
      description: 'Time from acceptance until live.',
      unit: 's',
      queries: quantiles('holdfast_session_start_duration_seconds', '{outcome="live"}'),
      thresholds: { warn: 2, bad: START_WITHIN_SECONDS },
    }),
    lines({
      title: 'Wait for a worker',
      description: 'Time from acceptance until the first claim. It grows when slots are short.',
      unit: 's',
      queries: quantiles('holdfast_session_queue_wait_seconds'),
    }),
    lines({
      title: 'Lifetime',
      description: 'Time from live to the end.',
      unit: 's',
      queries: quantiles('holdfast_session_lifetime_seconds'),
    }),
    lines({
      title: 'Release until gone',
      description: 'Time from the committed end until the browser and its files are gone. Objective: 5 s.',
      unit: 's',
      queries: quantiles('holdfast_session_release_duration_seconds'),
      thresholds: { warn: 3, bad: 5 },
    }),
    lines({
      title: 'Burn rates',
      description:
        `How fast the error budget of starts is used up. ${FAST_BURN} is urgent, ${SLOW_BURN} needs a ` +
        'look today.',
      unit: 'none',
      queries: BURN_WINDOWS.map(window => ({
        expr: `${startErrorRatio(window)} / ${ERROR_BUDGET}`,
        legend: window,
      })),
      thresholds: { warn: SLOW_BURN, bad: FAST_BURN },
    }),
    lines({
      title: 'Steps by event',
      description: 'Committed steps of sessions, per second.',
      unit: 'ops',
      queries: [{ expr: rate('holdfast_session_transitions_total', 'event'), legend: '{{event}}' }],
    }),
  ],
};

const contexts: Row = {
  title: 'Contexts',
  panels: [
    lines({
      title: 'Saves of contexts by result',
      description:
        '`current` is normal. `kept_aside`: another session had saved meanwhile. The others made no version.',
      unit: 'short',
      stacked: true,
      queries: [{ expr: increase('holdfast_context_versions_total', 'result'), legend: '{{result}}' }],
    }),
    lines({
      title: 'Changes of contexts',
      description: 'Contexts that were created or deleted, and older versions that were restored.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_context_changes_total', 'change'), legend: '{{change}}' }],
    }),
    lines({
      title: 'Size of contexts',
      description: 'All kept versions of all tenants.',
      unit: 'bytes',
      queries: [{ expr: cluster('holdfast_context_bytes'), legend: 'all' }],
    }),
  ],
};

const api: Row = {
  title: 'API',
  panels: [
    lines({
      title: 'Requests by status',
      description: 'Without event streams. 499: the client disconnected first.',
      unit: 'ops',
      stacked: true,
      queries: [{ expr: rate('holdfast_http_request_duration_seconds_count', 'code'), legend: '{{code}}' }],
    }),
    lines({
      title: 'Answers, p95 by route',
      description: 'A create that waits for its browser takes as long as the start.',
      unit: 's',
      queries: [
        {
          expr: quantile(
            0.95,
            'holdfast_http_request_duration_seconds',
            '{route=~"/v1/.*"}',
            'route, method',
          ),
          legend: '{{method}} {{route}}',
        },
      ],
    }),
    lines({
      title: 'Requests that failed',
      description: 'Part of all requests with a 5xx answer. A create whose session failed counts too.',
      unit: 'percentunit',
      queries: [
        {
          expr: `(sum(rate(holdfast_http_request_duration_seconds_count{code=~"5.."}[${WINDOW}])) or vector(0)) / (sum(rate(holdfast_http_request_duration_seconds_count[${WINDOW}])) > 0) or vector(0)`,
          legend: '5xx',
        },
      ],
      thresholds: { warn: 0.001, bad: 0.01 },
    }),
  ],
};

/** The dashboard of sessions: whether they start, live and end as promised. */
export const SESSIONS_DASHBOARD: Dashboard = {
  uid: 'holdfast-sessions',
  title: 'Holdfast / Sessions',
  description: 'Whether sessions start, live and end as they should.',
  rows: [objectives, flow, contexts, api],
};
