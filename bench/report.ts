import { passes, percentile, type Benchmark, type Claim, type Result } from './harness';

/** One benchmark with its results, for `--json`. */
export interface Reported {
  readonly benchmark: string;
  readonly title: string;
  readonly tookSeconds: number;
  readonly series: readonly (Summary & { readonly name: string; readonly unit: string })[];
  readonly claims: readonly (Claim & { readonly passed: boolean })[];
  readonly notes: readonly string[];
}

interface Summary {
  readonly n: number;
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Summarises a result. */
export function summarise({ name, title }: Benchmark, result: Result, tookSeconds: number): Reported {
  return {
    benchmark: name,
    title,
    tookSeconds: Math.round(tookSeconds),
    series: result.series.map(({ values, ...series }) => ({ ...series, ...summaryOf(values) })),
    claims: result.claims.map(claim => ({ ...claim, passed: passes(claim) })),
    notes: result.notes ?? [],
  };
}

/** A benchmark's part of the table. */
export function renderBenchmark({ benchmark, title, tookSeconds, series, claims, notes }: Reported): string {
  const width = Math.max(...series.map(({ name }) => name.length), ...claims.map(({ text }) => text.length));
  const columns = ['n', 'min', 'p50', 'p95', 'p99', 'max'] as const;
  const header = columns.map(column => column.padStart(9)).join('');
  return [
    `${benchmark}: ${title} (${tookSeconds} s)`,
    `  ${' '.repeat(width)}${header}`,
    ...series.map(row => {
      const cells = columns.map(column => numberOf(row[column], column === 'n').padStart(9)).join('');
      return `  ${row.name.padEnd(width)}${cells} ${row.unit}`.trimEnd();
    }),
    ...claims.map(claim => `  ${claim.text.padEnd(width)}${numberOf(claim.value).padStart(9)}${tail(claim)}`),
    ...notes.map(note => `  * ${note}`),
    '',
  ].join('\n');
}

function markOf(pass: NonNullable<Claim['pass']>): string {
  if ('intervalReaches' in pass) return `down to ${pass.intervalReaches}`;
  return 'atMost' in pass ? `at most ${pass.atMost}` : `at least ${pass.atLeast}`;
}

function tail({ unit, interval, pass, passed }: Reported['claims'][number]): string {
  const parts = [
    unit === '' ? '' : ` ${unit}`,
    interval === undefined ? '' : `  [${numberOf(interval[0])} … ${numberOf(interval[1])}]`,
  ];
  if (pass !== undefined) {
    const mark = markOf(pass);
    parts.push(`  ${mark}: ${passed ? 'passed' : 'MISSED'}`);
  }
  return parts.join('');
}

function summaryOf(values: readonly number[]): Summary {
  return {
    n: values.length,
    min: Math.min(...values),
    p50: percentile(values, 0.5),
    p95: percentile(values, 0.95),
    p99: percentile(values, 0.99),
    max: Math.max(...values),
  };
}

function numberOf(value: number, whole = false): string {
  if (!Number.isFinite(value)) return '–';
  const digits =
    whole || Math.abs(value) >= 1_000 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return value.toFixed(digits);
}
