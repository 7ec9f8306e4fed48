/** Units of the numbers in a panel, by Grafana's names. */
export type Unit = 's' | 'bytes' | 'Bps' | 'ops' | 'cpm' | 'percentunit' | 'short' | 'none' | 'bool';

/** One line, or group of lines, of a panel. */
export interface Query {
  /** PromQL; `$__rate_interval` stands for a span that holds at least four scrapes. */
  readonly expr: string;
  /** Legend, with `{{label}}` for each line of the group. */
  readonly legend: string;
}

/** The number from which a value is worth a look, and the one from which it is bad. */
export interface Thresholds {
  readonly warn?: number;
  readonly bad: number;
  /** Small numbers are bad, not large ones. */
  readonly below?: true;
}

/** One panel of a dashboard. */
export interface Panel {
  readonly title: string;
  /** What it means, and what is normal. */
  readonly description: string;
  readonly kind: 'stat' | 'timeseries';
  readonly unit: Unit;
  readonly queries: readonly Query[];
  readonly thresholds?: Thresholds;
  /** Stacks the lines, because they are parts of one whole. */
  readonly stacked?: boolean;
}

/** Panels under one heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** One dashboard of Grafana. */
export interface Dashboard {
  /** Part of its address and of its file's name. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

/** A panel that shows the current number. */
export function stat(panel: Omit<Panel, 'kind' | 'queries'> & { readonly expr: string }): Panel {
  const { expr, ...rest } = panel;
  return { ...rest, kind: 'stat', queries: [{ expr, legend: panel.title }] };
}

/** A panel that shows lines over time. */
export const lines = (panel: Omit<Panel, 'kind'>): Panel => ({ ...panel, kind: 'timeseries' });
