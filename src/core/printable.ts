/** Controls, lone surrogates, and what turns the direction of the text around it or cannot be seen at all. */
const NOT_PRINTABLE = /[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * A stranger's text as it may stand in a log, a table or a terminal: on one line, without characters that act on what
 * shows them, at most `max` characters long.
 */
export function printable(text: string, max: number): string {
  // Cut first: nobody makes us look at megabytes, and half a character that the cut leaves is replaced as well.
  return text.length <= max ? cleaned(text) : `${cleaned(text.slice(0, max - 1))}…`;
}

function cleaned(text: string): string {
  return text.replaceAll(NOT_PRINTABLE, '\u{FFFD}');
}
