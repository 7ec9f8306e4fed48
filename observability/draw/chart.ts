import type { Panel, Unit } from '../description/panel';

/** A line of a panel. */
export interface Line {
  readonly name: string;
  /** Epoch seconds and value; a value that is not a number is a gap. */
  readonly points: readonly (readonly [number, number])[];
}

/** The place of a panel, in pixels. */
export interface Box {
  readonly width: number;
  readonly height: number;
}

const COLOURS = [
  '#3274d9',
  '#e0752d',
  '#299c46',
  '#b877d9',
  '#d44a3a',
  '#1f9e9e',
  '#8a6d00',
  '#c15c9f',
  '#6b7a8f',
];
const MARGIN = { left: 46, right: 8, top: 26, bottom: 18 };
const LEGEND_LINE = 12;
const LEGEND_MAX = 4;

/** One panel as SVG. */
export function drawPanel(panel: Panel, lines: readonly Line[], box: Box): string {
  const inner = panel.kind === 'stat' ? drawStat(panel, lines, box) : drawLines(panel, lines, box);
  return `<rect width="${box.width}" height="${box.height}" rx="3" class="panel"/><text x="8" y="16" class="title">${escape(panel.title)}</text>${inner}`;
}

function drawStat({ unit, thresholds }: Panel, lines: readonly Line[], { width, height }: Box): string {
  const value = lines[0]?.points.findLast(([, y]) => Number.isFinite(y))?.[1];
  const isBad = (bad: number): boolean =>
    value !== undefined && (thresholds?.below === true ? value < bad : value >= bad);
  const level = thresholds === undefined ? 'good' : isBad(thresholds.bad) ? 'bad' : 'good';
  const text = value === undefined ? '–' : format(value, unit);
  return `<text x="${width / 2}" y="${height / 2 + 18}" class="stat ${level}">${escape(text)}</text>`;
}

function drawLines(panel: Panel, given: readonly Line[], { width, height }: Box): string {
  const lines = busiestFirst(given);
  const legend = Math.min(lines.length, LEGEND_MAX);
  const stacked = panel.stacked === true ? stack(lines) : lines;
  const all = stacked.flatMap(({ points }) => points).filter(([, y]) => Number.isFinite(y));
  const [from, to] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x))];
  // Without this, a series of zeros would be drawn as noise instead of a flat line at the bottom.
  const top = Math.max(...all.map(([, y]) => y)) * 1.1 || 1;
  const bottom = height - MARGIN.bottom - legend * LEGEND_LINE;
  const x = (at: number): number =>
    MARGIN.left + ((at - from) / Math.max(1, to - from)) * (width - MARGIN.left - MARGIN.right);
  const y = (value: number): number => bottom - (value / top) * (bottom - MARGIN.top);
  const grid = [0, 0.5, 1].map(part => {
    const at = y(top * part).toFixed(1);
    return `<line x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${at}" y2="${at}" class="grid"/><text x="${MARGIN.left - 5}" y="${Number(at) + 3}" class="axis">${format(top * part, panel.unit)}</text>`;
  });
  const paths = stacked.map(
    ({ points }, index) => `<path d="${pathOf(points, x, y)}" stroke="${colour(index)}" class="line"/>`,
  );
  const names = lines.slice(0, LEGEND_MAX).map(({ name }, index) => {
    const at = bottom + MARGIN.bottom + index * LEGEND_LINE - 2;
    return `<rect x="8" y="${at - 7}" width="10" height="3" fill="${colour(index)}"/><text x="23" y="${at - 2}" class="name">${escape(name)}${index === LEGEND_MAX - 1 && lines.length > LEGEND_MAX ? ` … and ${lines.length - LEGEND_MAX} more` : ''}</text>`;
  });
  return [...grid, ...paths, ...names].join('');
}

const colour = (index: number): string => COLOURS[index % COLOURS.length] ?? '#000';

/* The legend is cut, so it begins with the lines that can be seen. */
const busiestFirst = (lines: readonly Line[]): Line[] => [...lines].sort((a, b) => area(b) - area(a));

const area = ({ points }: Line): number =>
  points.reduce((sum, [, y]) => sum + (Number.isFinite(y) ? y : 0), 0);

function stack(lines: readonly Line[]): Line[] {
  const sums = new Map<number, number>();
  return lines.map(({ name, points }) => ({
    name,
    points: points.map(([x, y]) => {
      const sum = (sums.get(x) ?? 0) + (Number.isFinite(y) ? y : 0);
      sums.set(x, sum);
      return [x, sum] as const;
    }),
  }));
}

function pathOf(points: Line['points'], x: (at: number) => number, y: (value: number) => number): string {
  let isPenDown = false;
  return points
    .map(([at, value]) => {
      if (!Number.isFinite(value)) {
        isPenDown = false;
        return '';
      }
      const command = isPenDown ? 'L' : 'M';
      isPenDown = true;
      return `${command}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join('');
}

function format(value: number, unit: Unit): string {
  const short = (n: number): string => (n === 0 ? '0' : Number(n.toPrecision(n >= 100 ? 3 : 2)).toString());
  switch (unit) {
    case 's':
      return value < 1 ? `${short(value * 1000)} ms` : `${short(value)} s`;
    case 'percentunit':
      return `${short(value * 100)} %`;
    case 'bytes':
    case 'Bps': {
      const power = value < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(value) / 10));
      return `${short(value / 1024 ** power)} ${['B', 'KiB', 'MiB', 'GiB'][power]}${unit === 'Bps' ? '/s' : ''}`;
    }
    case 'bool':
      return value === 1 ? 'yes' : 'no';
    default:
      return short(value);
  }
}

/** Text escaped for SVG and HTML. */
export const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
