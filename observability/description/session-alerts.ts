import type { Alert } from './alert';
import { ERROR_BUDGET, FAST_BURN, LATENESS_SECONDS, SLOW_BURN } from './objectives';
import { increase, quantile, rate } from './promql';
import { startErrorRatio } from './recording-rules';

const STARTS = 'holdfast_session_start_duration_seconds';
const ENDS = 'holdfast_sessions_ended_total';
const LATENESS = 'holdfast_timeout_lateness_seconds_bucket';
const LAUNCHES = 'holdfast_browser_launch_duration_seconds_count';

/** With fewer starts than this a ratio means nothing: one failure of three is no reason to wake an operator. */
const STARTS_TO_JUDGE = 10;

const burns = (short: '5m' | '30m', long: '1h' | '6h', factor: number): string =>
  [
    `${startErrorRatio(short)} > ${factor} * ${ERROR_BUDGET}`,
    `${startErrorRatio(long)} > ${factor} * ${ERROR_BUDGET}`,
    `sum(increase(${STARTS}_count[${long}])) >= ${STARTS_TO_JUDGE}`,
  ].join(' and ');

/* Ten starts a minute, `late` of them later than the objective. */
const starts = (late: number): { series: string; values: string }[] => [
  { series: `${STARTS}_bucket{outcome="live",le="5"}`, values: `0+${10 - late}x400` },
  { series: `${STARTS}_count{outcome="live"}`, values: '0+10x400' },
];

/** Alerts about sessions: whether they start, live and end as promised. */
export const SESSION_ALERTS: readonly Alert[] = [
  {
    name: 'HoldfastStartSloBurnsFast',
    severity: 'critical',
    expr: burns('5m', '1h', FAST_BURN),
    summary: 'Sessions start late or not at all: {{ $value | humanizePercentage }} of the last five minutes.',
    proof: {
      at: '70m',
      fires: starts(2),
      fired: [{ summary: 'Sessions start late or not at all: 20% of the last five minutes.' }],
      silent: starts(1),
    },
  },
  {
    name: 'HoldfastStartSloBurnsSlow',
    severity: 'warning',
    expr: burns('30m', '6h', SLOW_BURN),
    summary:
      'Too many sessions start late or not at all: {{ $value | humanizePercentage }} of the last half hour.',
    proof: {
      at: '370m',
      fires: starts(1),
      fired: [{ summary: 'Too many sessions start late or not at all: 10% of the last half hour.' }],
      silent: starts(0),
    },
  },
  {
    name: 'HoldfastTimeoutsOverdue',
    severity: 'critical',
    expr: 'max by (kind) (holdfast_timeouts_overdue) > 0',
    for: '30s',
    summary: '{{ $value }} {{ $labels.kind }} deadlines have passed without a time-out.',
    proof: {
      at: '5m',
      fires: [{ series: 'holdfast_timeouts_overdue{kind="session"}', values: '0 1x10' }],
      fired: [
        { labels: { kind: 'session' }, summary: '1 session deadlines have passed without a time-out.' },
      ],
      silent: [{ series: 'holdfast_timeouts_overdue{kind="session"}', values: '0 0 0 0 0 1 0' }],
    },
  },
  {
    name: 'HoldfastTimeoutsLate',
    severity: 'warning',
    expr: `${quantile(0.99, 'holdfast_timeout_lateness_seconds', '', '', '10m')} > ${LATENESS_SECONDS}`,
    for: '1m',
    summary: 'One time-out in a hundred is {{ $value | humanizeDuration }} late or later.',
    proof: {
      at: '12m',
      fires: [
        { series: `${LATENESS}{le="1"}`, values: '0+8x20' },
        { series: `${LATENESS}{le="5"}`, values: '0+10x20' },
        { series: `${LATENESS}{le="+Inf"}`, values: '0+10x20' },
      ],
      fired: [{ summary: 'One time-out in a hundred is 4.8s late or later.' }],
      silent: [
        { series: `${LATENESS}{le="0.5"}`, values: '0+10x20' },
        { series: `${LATENESS}{le="1"}`, values: '0+10x20' },
        { series: `${LATENESS}{le="+Inf"}`, values: '0+10x20' },
      ],
    },
  },
  {
    name: 'HoldfastBrowsersCrash',
    severity: 'warning',
    expr: `${rate(`${ENDS}{reason=~"browser_crashed|browser_unresponsive"}`, '', '15m')} / ${rate(ENDS, '', '15m')} > 0.05 and ${increase(`${ENDS}{reason=~"browser_crashed|browser_unresponsive"}`, '', '15m')} > 2`,
    summary: '{{ $value | humanizePercentage }} of the sessions that ended lost their browser.',
    proof: {
      at: '20m',
      fires: [
        { series: `${ENDS}{outcome="failed",reason="browser_crashed"}`, values: '0+1x30' },
        { series: `${ENDS}{outcome="released",reason="released_by_client"}`, values: '0+9x30' },
      ],
      fired: [{ summary: '10% of the sessions that ended lost their browser.' }],
      silent: [
        { series: `${ENDS}{outcome="failed",reason="browser_crashed"}`, values: '0+1x30' },
        { series: `${ENDS}{outcome="released",reason="released_by_client"}`, values: '0+99x30' },
      ],
    },
  },
  {
    name: 'HoldfastLaunchesFail',
    severity: 'warning',
    expr: `${rate(`${LAUNCHES}{result="failed"}`, '', '15m')} / ${rate(`${LAUNCHES}{result!="cancelled"}`, '', '15m')} > 0.05 and ${increase(`${LAUNCHES}{result="failed"}`, '', '15m')} > 2`,
    summary: '{{ $value | humanizePercentage }} of the launches fail.',
    proof: {
      at: '20m',
      fires: [
        { series: `${LAUNCHES}{result="failed"}`, values: '0+1x30' },
        { series: `${LAUNCHES}{result="ready"}`, values: '0+9x30' },
      ],
      fired: [{ summary: '10% of the launches fail.' }],
      silent: [
        { series: `${LAUNCHES}{result="failed"}`, values: '0 1x30' },
        { series: `${LAUNCHES}{result="ready"}`, values: '0+1x30' },
        { series: `${LAUNCHES}{result="cancelled"}`, values: '0+9x30' },
      ],
    },
  },
];
