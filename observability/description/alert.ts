/** A time series as promtool's unit tests write it: `0+1x10` begins at 0 and rises by 1 ten times, a step being a minute. */
export interface InputSeries {
  readonly series: string;
  readonly values: string;
}

/** What shows that an alert does its work, and that it can keep still. */
export interface AlertProof {
  /** When it is looked at, such as `10m`. */
  readonly at: string;
  readonly fires: readonly InputSeries[];
  /** What fires then; `summary` with its templates filled in, `labels` without the severity. */
  readonly fired: readonly { readonly labels?: Readonly<Record<string, string>>; readonly summary: string }[];
  /** Close to firing, but healthy. */
  readonly silent: readonly InputSeries[];
}

/** A condition that somebody has to hear of. Its page is docs/runbooks/<name>.md. */
export interface Alert {
  readonly name: string;
  /** `critical`: now; `warning`: today. */
  readonly severity: 'critical' | 'warning';
  readonly expr: string;
  /** How long it must hold, such as `1m`; left out: the expression looks back far enough itself. */
  readonly for?: string;
  /** What is wrong, in one sentence; with Prometheus' templates. */
  readonly summary: string;
  readonly proof: AlertProof;
}
