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
 * How results are printed: for people, as wide as the terminal or as wide as it gets; as one JSON document; as a line of JSON
 * each; or their ids only.
 */
export type Format = 'table' | 'wide' | 'json' | 'ndjson' | 'name';

/** Whether people read it. */
export const isForPeople = (format: Format): boolean => format === 'table' || format === 'wide';

/** A column of a table of things. */
export interface Column<T> extends ColumnLayout {
  readonly of: (thing: T) => string;
  /** The same in fewer words, for a terminal that is too narrow. */
  readonly brief?: (thing: T) => string;
  /** Its cells are ids: where there is no room they are shortened as far as they stay apart, and are good as they then stand. */
  readonly isId?: true;
  readonly colour?: (thing: T) => Colour;
  /** How wide it is in a stream, where the widest cell is not known beforehand. */
  readonly width?: number;
}

/** An id is not shortened below this. */
const ID_MIN = 8;
/** In a stream nobody knows which ids will come: of a UUIDv7 this is the millisecond and twelve random bits. */
const ID_IN_STREAM = 18;

/** How things of one kind are shown. */
export interface View<T> {
  readonly columns: readonly Column<T>[];
  /** What `-o name` prints. */
  readonly nameOf: (thing: T) => string;
}

/** Prints things that are all there. `document` is what `-o json` prints; default: the things as an array. */
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

/** Where a table is printed: how wide it may be, null for as wide as it likes, and its colours. */
export type Frame = Pick<Terminal, 'width' | 'paint'>;

const frameOf = ({ width, paint }: Terminal, format: Format): Frame => ({
  width: format === 'wide' ? null : width,
  paint,
});

/** The lines of a table, its titles first. Where it cannot fit as it is, it is told in brief before anything is lost. */
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

/** Prints one thing: for people as `rows` of a name and a value. */
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
 * Prints things one by one, as they come. A stream has no end, so `json` prints a line each, as `ndjson` does. Its columns are
 * laid out before the first row; in a terminal a row is no wider than that.
 */
export class StreamPrinter<T> {
  #layout: StreamLayout | null = null;

  constructor(
    private readonly out: Terminal,
    private readonly format: Format,
    private readonly view: View<T>,
  ) {}

  /** Prints one. */
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
    // What is wider than foreseen is cut in a terminal, if it may be; elsewhere the row is out of line and whole.
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

/* A row as wide as each column says that it will be stands for all that are to come; the last column has what is left. */
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

/* The one thing that is told in brief in a stream is the time of a day. */
const BRIEF_WIDTH = 12;

const cellsOf = <T>(columns: readonly Column<T>[], thing: T): string[] =>
  columns.map(column => harmless(column.of(thing)));

/* Ids are shortened to one length, at which all of a column are still different. */
function briefRows<T>(columns: readonly Column<T>[], things: readonly T[]): string[][] {
  const ids = columns.filter(({ isId }) => isId === true);
  const length = Math.max(ID_MIN, ...ids.map(({ of }) => lengthApart(things.map(of))));
  return things.map(thing => briefCells(columns, thing, length));
}

const briefCells = <T>(columns: readonly Column<T>[], thing: T, idLength: number): string[] =>
  columns.map(({ of, brief = of, isId }) =>
    harmless(isId === true ? of(thing).slice(0, idLength) : brief(thing)),
  );

/* How long the beginnings of texts must be for all that differ to differ. */
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

/* Paints a cell as its column says for this thing. */
const painterOf =
  <T>(columns: readonly Column<T>[], thing: T, paint: Paint) =>
  (cell: string, index: number): string => {
    const colour = columns[index]?.colour?.(thing);
    return colour === undefined ? cell : paint(colour, cell);
  };
