import { columnWidths, fit, harmless, joinCells, widthOf, type ColumnLayout } from './columns';
import type { Colour, Paint } from './colours';
import type { Terminal } from './terminal';

/** How results are printed: for people, as one JSON document, as a line of JSON each, or their ids only. */
export type Format = 'table' | 'json' | 'ndjson' | 'name';

/** A column of a table of things. */
export interface Column<T> extends ColumnLayout {
  readonly of: (thing: T) => string;
  readonly colour?: (thing: T) => Colour;
  /** How wide it is in a stream, where the widest cell is not known beforehand. */
  readonly width?: number;
}

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
  else for (const line of tableLines(out, things, view)) out.line(line);
}

/** The lines of a table, its titles first. */
export function tableLines<T>(
  { width, paint }: Pick<Terminal, 'width' | 'paint'>,
  things: readonly T[],
  { columns }: Pick<View<T>, 'columns'>,
): string[] {
  const rows = things.map(thing => cellsOf(columns, thing));
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

/** Prints things one by one, as they come. A stream has no end, so `json` prints a line each, as `ndjson` does. */
export class StreamPrinter<T> {
  #widths: number[] | null = null;

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
    const { out, view } = this;
    const { columns } = view;
    const { paint } = out;
    if (this.#widths === null) {
      this.#widths = columns.map(({ title, width = 0 }) => Math.max(width, widthOf(title)));
      out.line(titleLine(columns, this.#widths, paint));
    }
    const cells = cellsOf(columns, thing);
    // Wider than foreseen: the row is out of line, and nothing of it is lost.
    const widths = this.#widths.map((width, index) => Math.max(width, widthOf(cells[index] ?? '')));
    out.line(joinCells(columns, widths, cells, painterOf(columns, thing, paint)));
  }
}

const cellsOf = <T>(columns: readonly Column<T>[], thing: T): string[] =>
  columns.map(column => harmless(column.of(thing)));

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
