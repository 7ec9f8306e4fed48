import { styleText } from 'node:util';

/** The colours of the command line's output. */
export type Colour = 'green' | 'yellow' | 'red' | 'magenta' | 'cyan' | 'dim' | 'bold';

/** Colours a text, or returns it unchanged. */
export type Paint = (colour: Colour, text: string) => string;

/** Colours text, for a terminal with colours switched on. */
export const inColour: Paint = (colour, text) => styleText(colour, text, { validateStream: false });

/** Leaves text as it is, for all other outputs. */
export const plain: Paint = (_colour, text) => text;

const OF_STATUS: Readonly<Record<string, Colour>> = {
  created: 'yellow',
  live: 'green',
  released: 'dim',
  failed: 'red',
  timed_out: 'magenta',
};

/** The colour of a status. */
export const colourOfStatus = (status: string): Colour => OF_STATUS[status] ?? 'bold';
