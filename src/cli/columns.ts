import { createRequire } from 'node:module';
import type stringWidth from 'string-width';
import { lazy } from '../core/lazy';

/** How one column of a table is laid out. */
export interface ColumnLayout {
  readonly title: string;
  /** It may be cut to fit the terminal, but not below this width. Default: never cut. */
  readonly minWidth?: number;
  readonly align?: 'left' | 'right';
}

const GAP = '  ';
const ELLIPSIS = '…';

/* Every character takes one cell: nearly all texts in tables. */
const PLAIN = /^[ -~–…]*$/;

/* Loaded on demand: both take tens of milliseconds, which most commands do not need. */
const measure = lazy((): typeof stringWidth => {
  // SAFETY: what the module of this name exports.
  const loaded = createRequire(__filename)('string-width') as { readonly default: typeof stringWidth };
  return loaded.default;
});
/* Splits into what a reader takes for one character: a letter with its marks, a flag, an emoji with its modifiers. */
const segmenter = lazy(() => new Intl.Segmenter());

/* Page titles and names are untrusted: they must not control the terminal or reverse the direction of the line. */
const CONTROLS = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;

/** A text as one line without characters that control a terminal. */
export const harmless = (text: string): string => text.replace(CONTROLS, ' ');

/** How many cells of a terminal a text takes. */
export const widthOf = (text: string): number => (PLAIN.test(text) ? text.length : measure()(text));

/** The text within `width` cells, cut with an ellipsis if it is longer, filled with blanks if it is shorter. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = widthOf(text) <= width ? text : shortened(text, width);
  const blanks = ' '.repeat(Math.max(0, width - widthOf(cut)));
  return align === 'left' ? cut + blanks : blanks + cut;
}

/** A line that takes no more than `width` cells. */
export const clip = (text: string, width: number): string =>
  widthOf(text) <= width ? text : fit(text, width).trimEnd();

/**
 * How wide each column is: as wide as its widest cell, then columns that may be cut become narrower, the widest first,
 * until the row fits. A table that cannot fit is wider than the terminal.
 *
 * @param maxWidth - cells of the terminal; null: without limit
 */
export function columnWidths(
  columns: readonly ColumnLayout[],
  rows: readonly (readonly string[])[],
  maxWidth: number | null,
): number[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...rows.map(row => widthOf(row[index] ?? ''))),
  );
  while (maxWidth !== null && rowWidth(widths) > maxWidth) {
    const widest = widestOf(columns, widths);
    if (widest === null) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** The smallest width of a table in cells, with every column that may be cut at its minimum. */
export function narrowestWidth(
  columns: readonly ColumnLayout[],
  rows: readonly (readonly string[])[],
): number {
  const natural = columnWidths(columns, rows, null);
  return rowWidth(columns.map(({ minWidth = Infinity }, index) => Math.min(minWidth, natural[index] ?? 0)));
}

/** The width of a row of cells of these widths. */
export const rowWidth = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));

/** One row; `decorate` gets each cell after padding, because colour codes take no cells. */
export function joinCells(
  columns: readonly ColumnLayout[],
  widths: readonly number[],
  cells: readonly string[],
  decorate: (cell: string, index: number) => string = cell => cell,
): string {
  const last = columns.length - 1;
  return cells
    .map((cell, index) => {
      const fitted = fit(cell, widths[index] ?? 0, columns[index]?.align);
      return decorate(index === last ? fitted.trimEnd() : fitted, index);
    })
    .join(GAP);
}

function widestOf(columns: readonly ColumnLayout[], widths: readonly number[]): number | null {
  let widest: number | null = null;
  for (const [index, { minWidth = Infinity }] of columns.entries()) {
    const width = widths[index] ?? 0;
    if (width > minWidth && (widest === null || width > (widths[widest] ?? 0))) widest = index;
  }
  return widest;
}

function shortened(text: string, width: number): string {
  if (width < 1) return '';
  if (PLAIN.test(text)) return text.slice(0, width - 1) + ELLIPSIS;
  let kept = '';
  let used = 1;
  for (const { segment } of segmenter().segment(text)) {
    used += widthOf(segment);
    if (used > width) break;
    kept += segment;
  }
  return kept + ELLIPSIS;
}
