import { START_WITHIN_SECONDS } from './objectives';
import { rate } from './promql';

/** A query that Prometheus evaluates all the time and stores under a name. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** The windows over which burn rates are computed. */
export const BURN_WINDOWS = ['5m', '30m', '1h', '6h'] as const;

/** @see startErrorRatio */
export type BurnWindow = (typeof BURN_WINDOWS)[number];

/** Name of the ratio of starts that missed the objective within a window. */
export const startErrorRatio = (window: BurnWindow): string =>
  `holdfast:session_start_error:ratio_rate${window}`;

/* From version 3 on Prometheus writes the bounds of buckets as 5.0. */
const BOUND = `${START_WITHIN_SECONDS}|${START_WITHIN_SECONDS}.0`;

/* Without starts nothing is missed. A label value that has no series yet counts as 0. */
function startErrors(window: string): string {
  const starts = 'holdfast_session_start_duration_seconds';
  const good = rate(`${starts}_bucket{outcome="live",le=~"${BOUND}"}`, '', window);
  const all = rate(`${starts}_count{outcome=~"live|failed"}`, '', window);
  return `(1 - (${good} or vector(0)) / (${all} > 0)) or vector(0)`;
}

function failures(window: string): string {
  const failed = rate('holdfast_sessions_ended_total{outcome="failed"}', '', window);
  return `(${failed} / (${rate('holdfast_sessions_ended_total', '', window)} > 0)) or vector(0)`;
}

/** Every recording rule. */
export const RECORDING_RULES: readonly RecordingRule[] = [
  ...BURN_WINDOWS.map(window => ({ record: startErrorRatio(window), expr: startErrors(window) })),
  { record: 'holdfast:session_failure:ratio_rate5m', expr: failures('5m') },
  { record: 'holdfast:session_failure:ratio_rate1h', expr: failures('1h') },
];
