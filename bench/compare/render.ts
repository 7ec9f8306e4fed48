import { MEASURES, type Figure, type Measure, type Row } from './measure';

/* The result for readers: a table in Markdown, and a chart for each measure. */

// SAFETY: these are the keys of the record.
const measures = Object.keys(MEASURES) as Measure[];

/** A table of all figures. */
export function renderTable(rows: readonly Row[]): string {
  const head = ['', ...measures.map(measure => `${MEASURES[measure]}, ms`)];
  const lines = rows.map(({ name, figures }) => [name, ...measures.map(measure => cellOf(figures[measure]))]);
  const failed = rows.filter(({ failures }) => failures.length > 0);
  return [
    rowOf(head),
    rowOf(head.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...lines.map(rowOf),
    '',
    'p50 / p95 / p99, and the ratio of the medians to the first row.',
    ...failed.map(({ name, failures }) => `${name} failed ${failures.length} times: ${failures[0] ?? ''}`),
    '',
  ].join('\n');
}

const rowOf = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function cellOf({ n, p50, p95, p99, ratio }: Figure): string {
  if (n === 0) return '–';
  return `${[p50, p95, p99].map(milliseconds).join(' / ')} (${ratio.toFixed(2)} ×)`;
}

const milliseconds = (value: number): string => value.toFixed(value < 10 ? 2 : 0);

const [LEFT, WIDTH, BAR, GAP, TOP] = [170, 720, 18, 10, 34];

/** One chart: a bar to the median of each contestant, and a line from there to its 99th percentile. */
export function renderChart(rows: readonly Row[], measure: Measure): string {
  const longest = Math.max(...rows.map(({ figures }) => figures[measure].p99).filter(Number.isFinite), 0.001);
  const scale = (value: number): number => Math.round((value / longest) * (WIDTH - LEFT - 120));
  const height = TOP + rows.length * (BAR + GAP);
  const bars = rows.map(({ name, figures }, i) => {
    const { n, p50, p99 } = figures[measure];
    const y = TOP + i * (BAR + GAP);
    const middle = y + BAR / 2;
    const label = `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${escapeXml(name)}</text>`;
    if (n === 0) return label;
    const [end, tail] = [LEFT + scale(p50), LEFT + scale(p99)];
    return [
      label,
      `<rect x="${LEFT}" y="${y}" width="${Math.max(1, end - LEFT)}" height="${BAR}" fill="#3b6ea8"/>`,
      `<line x1="${end}" y1="${middle}" x2="${tail}" y2="${middle}" stroke="#3b6ea8" stroke-width="2"/>`,
      `<text x="${tail + 6}" y="${middle + 4}">${milliseconds(p50)} / ${milliseconds(p99)} ms</text>`,
    ].join('\n');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`,
    '  font-family="sans-serif" font-size="12">',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="8" y="18" font-size="14">${escapeXml(MEASURES[measure])}: p50 (bar) and p99 (line)</text>`,
    ...bars,
    '</svg>',
    '',
  ].join('\n');
}

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`);
