/** A time series as promtool's unit tests write it: `0+1x10` begins at 0 and rises by 1 ten times, once a minute. */
export interface InputSeries {
  readonly series: string;
  readonly values: string;
}

/** The unit tests of an alert: one case in which it fires and one in which it does not. */
export interface AlertProof {
  /** When the alert is evaluated, such as `10m`. */
  readonly at: string;
  readonly fires: readonly InputSeries[];
  /** The alerts that fire then; `summary` with its templates filled in, `labels` without the severity. */
  readonly fired: readonly { readonly labels?: Readonly<Record<string, string>>; readonly summary: string }[];
  /** Close to firing, but healthy. */
  readonly silent: readonly InputSeries[];
}

/** A condition that needs an operator. Its page is docs/runbooks/<name>.md. */
export interface Alert {
  readonly name: string;
  /** `critical`: an operator acts now; `warning`: today. */
  readonly severity: 'critical' | 'warning';
  readonly expr: string;
  /** How long it must hold, such as `1m`; left out: the expression looks back far enough itself. */
  readonly for?: string;
  /** What is wrong, in one sentence; with Prometheus' templates. */
  readonly summary: string;
  readonly proof: AlertProof;
}
