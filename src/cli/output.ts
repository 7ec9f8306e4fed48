import {
  columnWidths,
  fit,
  harmless,
  joinCells,
  narrowestWidth,
  rowWidth,
  widthOf,
  type ColumnLayout,
} from './columns';
import type { Colour, Paint } from './colours';
import type { Terminal } from './terminal';

/**
 * How results are printed: for people, within the terminal's width (`table`) or without a limit (`wide`); as one JSON
 * document; as one line of JSON each; or only their ids.
 */
export type Format = 'table' | 'wide' | 'json' | 'ndjson' | 'name';

/** Whether the format is for people. */
export const isForPeople = (format: Format): boolean => format === 'table' || format === 'wide';

/** A column of a table of things. */
export interface Column<T> extends ColumnLayout {
  readonly of: (thing: T) => string;
  /** A shorter form, for a terminal that is too narrow. */
  readonly brief?: (thing: T) => string;
  /**
   * Its cells are ids: if there is no room they are shortened, as long as they stay different; commands accept the
   * shortened form.
   */
  readonly isId?: true;
  readonly colour?: (thing: T) => Colour;
  /** Its width in a stream, where the widest cell is not known beforehand. */
  readonly width?: number;
}

/** An id is not shortened below this. */
const ID_MIN = 8;
/** In a stream later ids are unknown, so ids keep this length: of a UUIDv7 the millisecond and twelve random bits. */
const ID_IN_STREAM = 18;

/** How to show items of one kind. */
export interface View<T> {
  readonly columns: readonly Column<T>[];
  /** The text that `-o name` prints. */
  readonly nameOf: (thing: T) => string;
}

/** Prints a complete list of items. `document` is what `-o json` prints; default: the items as an array. */
export function printAll<T>(
  out: Terminal,
  format: Format,
  things: readonly T[],
  view: View<T>,
  document: unknown = things,
): void {
  if (format === 'json') out.line(JSON.stringify(document, null, 2));
  else if (format === 'ndjson') for (const thing of things) out.line(JSON.stringify(thing));
  else if (format === 'name') for (const thing of things) out.line(view.nameOf(thing));
  else for (const line of tableLines(frameOf(out, format), things, view)) out.line(line);
}

/** Where a table is printed: its maximum width, null for no limit, and its colours. */
export type Frame = Pick<Terminal, 'width' | 'paint'>;

const frameOf = ({ width, paint }: Terminal, format: Format): Frame => ({
  width: format === 'wide' ? null : width,
  paint,
});

/** The lines of a table, its titles first. If it does not fit, the short forms are used before anything is cut. */
export function tableLines<T>(
  { width, paint }: Frame,
  things: readonly T[],
  { columns }: Pick<View<T>, 'columns'>,
): string[] {
  const whole = things.map(thing => cellsOf(columns, thing));
  const fits = width === null || narrowestWidth(columns, whole) <= width;
  const rows = fits ? whole : briefRows(columns, things);
  const widths = columnWidths(columns, rows, width);
  return [
    titleLine(columns, widths, paint),
    ...things.map((thing, index) =>
      joinCells(columns, widths, rows[index] ?? [], painterOf(columns, thing, paint)),
    ),
  ];
}

/** Prints one item: for people as `rows` of a name and a value. */
export function printOne<T>(
  out: Terminal,
  format: Format,
  thing: T,
  nameOf: (thing: T) => string,
  rows: (thing: T) => readonly (readonly [string, string])[],
): void {
  if (format === 'json') out.line(JSON.stringify(thing, null, 2));
  else if (format === 'ndjson') out.line(JSON.stringify(thing));
  else if (format === 'name') out.line(nameOf(thing));
  else {
    const shown = rows(thing);
    const width = Math.max(0, ...shown.map(([name]) => widthOf(name)));
    for (const [name, value] of shown) {
      out.line(`${out.paint('dim', fit(name, width))}  ${harmless(value)}`);
    }
  }
}

/**
 * Prints items one by one, as they come. A stream has no end, so `json` prints a line each, as `ndjson` does. Its
 * columns are laid out before the first row; in a terminal a row is no wider than that.
 */
export class StreamPrinter<T> {
  #layout: StreamLayout | null = null;

  constructor(
    private readonly out: Terminal,
    private readonly format: Format,
    private readonly view: View<T>,
  ) {}

  /** Prints one item. */
  print(thing: T): void {
    const { out, format, view } = this;
    if (format === 'json' || format === 'ndjson') out.line(JSON.stringify(thing));
    else if (format === 'name') out.line(view.nameOf(thing));
    else this.#printRow(thing);
  }

  #printRow(thing: T): void {
    const { out, format, view } = this;
    const { columns } = view;
    const { width, paint } = frameOf(out, format);
    if (this.#layout === null) {
      this.#layout = streamLayout(columns, width);
      out.line(titleLine(columns, this.#layout.widths, paint));
    }
    const { isBrief, widths } = this.#layout;
    const cells = isBrief ? briefCells(columns, thing, ID_IN_STREAM) : cellsOf(columns, thing);
    // A cell that is wider than planned is cut in a terminal, if it may be; in other outputs the row is misaligned but
    // complete.
    const own = widths.map((planned, index) => {
      const mayBeCut = width !== null && columns[index]?.minWidth !== undefined;
      return mayBeCut ? planned : Math.max(planned, widthOf(cells[index] ?? ''));
    });
    out.line(joinCells(columns, own, cells, painterOf(columns, thing, paint)));
  }
}

interface StreamLayout {
  readonly isBrief: boolean;
  readonly widths: readonly number[];
}

/* The layout is computed from one row with the planned width of each column; the last column gets the rest. */
function streamLayout<T>(columns: readonly Column<T>[], maxWidth: number | null): StreamLayout {
  const planned = (isBrief: boolean): string[] =>
    columns.map(({ width = 0, brief, isId }) =>
      ' '.repeat(!isBrief ? width : isId === true ? ID_IN_STREAM : brief === undefined ? width : BRIEF_WIDTH),
    );
  if (maxWidth === null) return { isBrief: false, widths: columnWidths(columns, [planned(false)], null) };
  const isBrief = narrowestWidth(columns, [planned(false)]) > maxWidth;
  const widths = columnWidths(columns, [planned(isBrief)], maxWidth);
  const rest = Math.max(0, maxWidth - rowWidth(widths));
  return {
    isBrief,
    widths: widths.map((width, index) => (index === widths.length - 1 ? width + rest : width)),
  };
}

/* In a stream the only short form is the time of day. */
const BRIEF_WIDTH = 12;

const cellsOf = <T>(columns: readonly Column<T>[], thing: T): string[] =>
  columns.map(column => harmless(column.of(thing)));

/* All ids of a column are shortened to the smallest length at which they are still different. */
function briefRows<T>(columns: readonly Column<T>[], things: readonly T[]): string[][] {
  const ids = columns.filter(({ isId }) => isId === true);
  const length = Math.max(ID_MIN, ...ids.map(({ of }) => lengthApart(things.map(of))));
  return things.map(thing => briefCells(columns, thing, length));
}

const briefCells = <T>(columns: readonly Column<T>[], thing: T, idLength: number): string[] =>
  columns.map(({ of, brief = of, isId }) =>
    harmless(isId === true ? of(thing).slice(0, idLength) : brief(thing)),
  );

/* The length of prefixes at which all different texts still differ. */
function lengthApart(texts: readonly string[]): number {
  const sorted = [...new Set(texts)].sort();
  const shared = sorted.slice(1).map((text, index) => {
    const before = sorted[index] ?? '';
    let length = 0;
    while (length < text.length && text[length] === before[length]) length += 1;
    return length;
  });
  return Math.max(0, ...shared) + 1;
}

const titleLine = (columns: readonly ColumnLayout[], widths: readonly number[], paint: Paint): string => {
  const titles = columns.map(({ title }) => title);
  return paint('dim', joinCells(columns, widths, titles));
};

/* Colours a cell as its column defines for this item. */
const painterOf =
  <T>(columns: readonly Column<T>[], thing: T, paint: Paint) =>
  (cell: string, index: number): string => {
    const colour = columns[index]?.colour?.(thing);
    return colour === undefined ? cell : paint(colour, cell);
  };
