import { parse } from 'node:path';

/** The longest name that file systems support, bytes of UTF-8. */
const NAME_MAX_BYTES = 255;

/** What comes after the last dot of a name counts as its extension up to this length. */
const EXTENSION_MAX_BYTES = 32;

/** The name of a file that was given none. */
const NAMELESS = 'file';

/** Line breaks, control and invisible characters, halves of surrogate pairs: they would disguise a name. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Whether a name is one in a folder itself, of a length that file systems support. */
export function isFileName(name: string): boolean {
  return (
    !/[/\0]/.test(name) &&
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    Buffer.byteLength(name) <= NAME_MAX_BYTES
  );
}

/**
 * The name that a file gets for a name that a client has given: the last part of a path of any system, without
 * invisible characters, in Unicode's composed form, and not too long. Always a name as {@link isFileName} demands.
 */
export function safeFileName(given: string): string {
  const last = given.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const visible = last.replaceAll(INVISIBLE, '').trim();
  return numberedFileName(/^\.{0,2}$/.test(visible) ? NAMELESS : visible, 0);
}

/** A name, or one like it that may be free while the first is taken: `a.txt`, `a (1).txt`, `a (2).txt`. */
export function numberedFileName(name: string, n: number): string {
  const { name: stem, ext } = parse(name);
  const hasExtension = Buffer.byteLength(ext) <= EXTENSION_MAX_BYTES;
  const rest = `${n === 0 ? '' : ` (${n})`}${hasExtension ? ext : ''}`;
  return cutTo(hasExtension ? stem : name, NAME_MAX_BYTES - Buffer.byteLength(rest)) + rest;
}

/* Cuts between characters. */
function cutTo(text: string, maxBytes: number): string {
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept;
}
