/** Controls, lone surrogates, and what turns the direction of the text around it or cannot be seen at all. */
const NOT_PRINTABLE = /[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Makes untrusted text safe for a log, a table or a terminal: on one line, without control characters, at most `max`
 * characters long.
 */
export function printable(text: string, max: number): string {
  // Cut first: a long text must not cost CPU time, and half a character that the cut leaves is replaced as well.
  return text.length <= max ? cleaned(text) : `${cleaned(text.slice(0, max - 1))}…`;
}

function cleaned(text: string): string {
  return text.replaceAll(NOT_PRINTABLE, '\u{FFFD}');
}
