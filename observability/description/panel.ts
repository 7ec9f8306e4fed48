/** What the numbers of a panel are; the names are Grafana's. */
export type Unit = 's' | 'bytes' | 'Bps' | 'ops' | 'cpm' | 'percentunit' | 'short' | 'none' | 'bool';

/** One line, or group of lines, of a panel. */
export interface Query {
  /** PromQL; `$__rate_interval` stands for a span that holds at least four scrapes. */
  readonly expr: string;
  /** With `{{label}}` for each line of the group. */
  readonly legend: string;
}

/** From where on a number is worth a look, and from where on it is bad. */
export interface Thresholds {
  readonly warn?: number;
  readonly bad: number;
  /** Small numbers are the bad ones. */
  readonly below?: true;
}

/** One picture. */
export interface Panel {
  readonly title: string;
  /** What it means, and what is normal. */
  readonly description: string;
  readonly kind: 'stat' | 'timeseries';
  readonly unit: Unit;
  readonly queries: readonly Query[];
  readonly thresholds?: Thresholds;
  /** Lines on top of each other: they are parts of one whole. */
  readonly stacked?: boolean;
}

/** Panels under one heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** One page of Grafana. */
export interface Dashboard {
  /** Part of its address and of its file's name. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

/** A number that is looked at as it is now. */
export function stat(panel: Omit<Panel, 'kind' | 'queries'> & { readonly expr: string }): Panel {
  const { expr, ...rest } = panel;
  return { ...rest, kind: 'stat', queries: [{ expr, legend: panel.title }] };
}

/** Lines over time. */
export const lines = (panel: Omit<Panel, 'kind'>): Panel => ({ ...panel, kind: 'timeseries' });
