import { styleText } from 'node:util';

/** What the command line paints with. */
export type Colour = 'green' | 'yellow' | 'red' | 'magenta' | 'cyan' | 'dim' | 'bold';

/** Paints a text, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

/** A paint for a terminal that shows colours to somebody who wants them. */
export const inColour: Paint = (colour, text) => styleText(colour, text, { validateStream: false });

/** A paint for everybody else. */
export const plain: Paint = (_colour, text) => text;

const OF_STATUS: Readonly<Record<string, Colour>> = {
  created: 'yellow',
  live: 'green',
  released: 'dim',
  failed: 'red',
  timed_out: 'magenta',
};

/** How a status is painted. */
export const colourOfStatus = (status: string): Colour => OF_STATUS[status] ?? 'bold';
