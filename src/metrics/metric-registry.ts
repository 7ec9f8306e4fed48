import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Replaces a label value outside its closed set. */
const OTHER = 'other';

/** The labels of a metric, each with the closed set of its values. */
export type LabelDomains<L extends string> = Readonly<Record<L, readonly (string | number)[]>>;

/** Labels as callers give them. A value that is not in its set is counted as {@link OTHER}. */
export type Labels<L extends string> = Readonly<Record<L, string | number>>;

/** Which processes export a metric. */
export type Exporter = 'API' | 'worker';

/** A metric as the documentation shows it. */
export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: LabelDomains<string>;
  readonly exporters: readonly Exporter[];
}

/** Name and meaning of a metric; the prefix is added. */
export interface MetricSpec<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: LabelDomains<L>;
  /** Which label combinations are shown as 0 before they occur; default: all, if they are few. */
  readonly zeroed?: readonly Labels<L>[];
}

/** A counter that takes only label values of its closed sets. */
export interface BoundedCounter<L extends string = never> {
  /** @param by - default 1; not below 0 */
  inc(labels: Labels<L>, by?: number): void;
}

/** A gauge that takes only label values of its closed sets. */
export interface BoundedGauge<L extends string = never> {
  set(labels: Labels<L>, value: number): void;
  /** Takes the gauge off the page until it is set again: an old number would look like a fresh one. */
  clear(): void;
}

/** A histogram that takes only label values of its closed sets. */
export interface BoundedHistogram<L extends string = never> {
  observe(labels: Labels<L>, value: number): void;
}

/**
 * If there are more combinations of label values than this, none is shown before it occurs; in a histogram each takes a
 * dozen lines.
 */
const ZEROED_MAX = { counter: 64, histogram: 16 };

/**
 * Three of prom-client's own metrics: gauges named like counters, which Prometheus' linter refuses. The metrics they
 * sum up stay.
 */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/**
 * How often the delay of the event loop is sampled. By default it is 10 ms: a hundred wake-ups a second, when idle too.
 */
const EVENT_LOOP_PRECISION_MS = 100;

const PREFIX = 'holdfast_';

/**
 * The metrics of one process. It adds the prefix to names, and holds label values to their closed sets, so that no
 * caller, row or job can add a time series. Metrics with few combinations of labels begin at 0, which makes the first
 * event visible to `increase()`.
 */
export class MetricRegistry {
  readonly #registry = new Registry();
  readonly #described: MetricDescription[] = [];

  /** @param exporters - which processes export the next metrics, for {@link MetricRegistry.descriptions} */
  constructor(private exporters: readonly Exporter[] = ['API', 'worker']) {}

  /** Sets which processes export the metrics declared next. */
  of(...exporters: readonly Exporter[]): this {
    this.exporters = exporters;
    return this;
  }

  /** Every Holdfast metric, in the order of declaration. */
  get descriptions(): readonly MetricDescription[] {
    return this.#described;
  }

  /** The media type of {@link MetricRegistry.text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The page that Prometheus scrapes. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  counter<L extends string = never>(spec: MetricSpec<L>): BoundedCounter<L> {
    const { domains, options } = this.#describe('counter', spec);
    const counter = new Counter<L>(options);
    const bound = binder(domains);
    for (const labels of spec.zeroed ?? few(domains, ZEROED_MAX.counter)) counter.inc(bound(labels), 0);
    return { inc: (labels, by = 1) => counter.inc(bound(labels), by) };
  }

  gauge<L extends string = never>(spec: MetricSpec<L>): BoundedGauge<L> {
    const { domains, options } = this.#describe('gauge', spec);
    const gauge = new Gauge<L>(options);
    const bound = binder(domains);
    const clear = (): void => {
      // `reset` of a gauge without labels sets it to 0 instead of taking it away.
      if (Object.keys(domains).length === 0) gauge.remove();
      else gauge.reset();
    };
    // prom-client would show 0, which was not measured.
    clear();
    return { set: (labels, value) => gauge.set(bound(labels), value), clear };
  }

  histogram<L extends string = never>(
    spec: MetricSpec<L> & { readonly buckets: readonly number[] },
  ): BoundedHistogram<L> {
    const { domains, options } = this.#describe('histogram', spec);
    const histogram = new Histogram<L>({ ...options, buckets: [...spec.buckets] });
    const bound = binder(domains);
    for (const labels of spec.zeroed ?? few(domains, ZEROED_MAX.histogram)) histogram.zero(bound(labels));
    return { observe: (labels, value) => histogram.observe(bound(labels), value) };
  }

  /** Adds prom-client's metrics of any Node process: CPU, memory, event loop, garbage collection. */
  addProcessMetrics(): void {
    collectDefaultMetrics({
      register: this.#registry,
      prefix: PREFIX,
      eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
    });
    for (const name of MISNAMED) this.#registry.removeSingleMetric(PREFIX + name);
  }

  #describe<L extends string>(
    type: MetricDescription['type'],
    { name, help, labels }: MetricSpec<L>,
  ): {
    domains: LabelDomains<L>;
    options: { name: string; help: string; labelNames: L[]; registers: Registry[] };
  } {
    // SAFETY: without labels L is `never`, and a record of nothing is empty.
    const domains = labels ?? ({} as LabelDomains<L>);
    this.#described.push({ name: PREFIX + name, type, help, labels: domains, exporters: this.exporters });
    // SAFETY: the keys of the record are its type parameter.
    const labelNames = Object.keys(domains) as L[];
    return { domains, options: { name: PREFIX + name, help, labelNames, registers: [this.#registry] } };
  }
}

/* Replaces label values outside their closed sets. */
function binder<L extends string>(domains: LabelDomains<L>): (labels: Labels<L>) => Record<L, string> {
  const entries = Object.entries<readonly (string | number)[]>(domains);
  const sets = entries.map(([name, values]) => [name, new Set(values.map(String))] as const);
  return labels => {
    const given = new Map(Object.entries<string | number>(labels));
    const bound = sets.map(([name, set]) => {
      const value = String(given.get(name));
      return [name, set.has(value) ? value : OTHER] as const;
    });
    // SAFETY: made from the names of the domains, which are L.
    return Object.fromEntries(bound) as Record<L, string>;
  };
}

const sizeOf = (domains: LabelDomains<string>): number =>
  Object.values(domains).reduce((product, values) => product * values.length, 1);

/* All combinations of label values, or none if there are more than `most`. */
function few<L extends string>(domains: LabelDomains<L>, most: number): Labels<L>[] {
  if (sizeOf(domains) > most) return [];
  const entries = Object.entries<readonly (string | number)[]>(domains);
  const all = entries.reduce<Record<string, string>[]>(
    (some, [name, values]) =>
      some.flatMap(labels => values.map(value => ({ ...labels, [name]: String(value) }))),
    [{}],
  );
  // SAFETY: made from the names of the domains, which are L.
  return all as Labels<L>[];
}

/**
 * A counter that mirrors one of another process. That one begins at 0 when its process restarts; the mirror never
 * falls.
 */
export class MirroredCounter<L extends string = never> {
  #last = 0;

  constructor(
    private readonly counter: BoundedCounter<L>,
    private readonly labels: Labels<L>,
  ) {}

  /** Takes the other counter's current value, counted since its process started. */
  update(total: number): void {
    this.counter.inc(this.labels, total >= this.#last ? total - this.#last : total);
    this.#last = total;
  }
}
