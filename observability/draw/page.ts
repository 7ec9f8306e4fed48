import type { Dashboard, Panel } from '../description/panel';
import { drawPanel, escape, type Line } from './chart';

const COLUMN = 44;
const ROW_OF_GRID = 26;
const GAP = 6;
const HEADING = 26;

const STYLE = `
  body { margin: 0; background: #f4f5f5; }
  svg { font-family: 'DejaVu Sans', Arial, sans-serif; display: block; }
  .panel { fill: #fff; stroke: #dcdfe3; }
  .title { font-size: 12px; font-weight: bold; fill: #24292e; }
  .heading { font-size: 13px; font-weight: bold; fill: #464c54; }
  .page { font-size: 17px; font-weight: bold; fill: #24292e; }
  .note, .name, .axis { font-size: 9px; fill: #52595f; }
  .axis { text-anchor: end; }
  .stat { font-size: 26px; text-anchor: middle; font-weight: bold; }
  .good { fill: #1b855e; }
  .bad { fill: #c4162a; }
  .grid { stroke: #e7e9ea; }
  .line { fill: none; stroke-width: 1.5; }
`;

/** Size of a panel on Grafana's grid of 24 columns; the same as in render/grafana.ts. */
const sizeOf = ({ kind }: Panel): { columns: number; rows: number } =>
  kind === 'stat' ? { columns: 4, rows: 4 } : { columns: 8, rows: 8 };

/** A dashboard as one page of HTML, with rows and panels placed as in Grafana. */
export function drawDashboard(dashboard: Dashboard, linesOf: ReadonlyMap<Panel, readonly Line[]>): string {
  const width = 24 * COLUMN + GAP;
  let y = 56;
  const parts = [
    `<text x="${GAP + 4}" y="24" class="page">${escape(dashboard.title)}</text>`,
    `<text x="${GAP + 4}" y="42" class="note">Drawn by observability/draw from what Prometheus saw of a real run in which sessions fail on purpose. Not a picture of Grafana.</text>`,
  ];
  for (const { title, panels } of dashboard.rows) {
    parts.push(`<text x="${GAP + 4}" y="${y + 17}" class="heading">${escape(title)}</text>`);
    y += HEADING;
    let column = 0;
    let tallest = 0;
    for (const panel of panels) {
      const { columns, rows } = sizeOf(panel);
      if (column + columns > 24) [column, y, tallest] = [0, y + tallest, 0];
      const box = { width: columns * COLUMN - GAP, height: rows * ROW_OF_GRID - GAP };
      const at = `translate(${GAP + column * COLUMN} ${y})`;
      parts.push(`<g transform="${at}">${drawPanel(panel, linesOf.get(panel) ?? [], box)}</g>`);
      column += columns;
      tallest = Math.max(tallest, rows * ROW_OF_GRID);
    }
    y += tallest + GAP;
  }
  return `<!doctype html><style>${STYLE}</style><svg width="${width}" height="${y}">${parts.join('')}</svg>`;
}
