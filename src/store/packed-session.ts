import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { DICTIONARIES, PACKING_DICTIONARY } from './pack-dictionary';

/*
 * How an ended session is kept (docs/adr/0096-ended-sessions-are-packed.md): a byte that says with which dictionary,
 * then raw deflate of its machine version, its snapshot and the lines of its history, a line of text each. Snapshot and
 * lines are what the row and the list had, so what reads those reads these.
 */

/** An ended session as its row and its history have stored it. */
export interface EndedSession {
  /** The machine version that has stored the snapshot. */
  readonly mv: number;
  /** JSON. */
  readonly snapshot: string;
  /** JSON each, the first line first. */
  readonly lines: readonly string[];
}

/** A session whose text is longer stays as it is: every read of one inflates all of it. */
const TEXT_MAX = 64 * 1024;

/** A window of 4 KiB, which reaches over a usual session and the dictionary, and little memory for each call. */
const DEFLATE = { windowBits: 12, memLevel: 4, level: 6 } as const;

/** Null: it stays as it is, since it is too long, or is not what the scripts write. */
export function packSession({ mv, snapshot, lines }: EndedSession): Buffer | null {
  const texts = [String(mv), snapshot, ...lines];
  const text = texts.join('\n');
  // JSON has no line breaks; what has is damaged, and is kept for who looks for the damage.
  if (text.length > TEXT_MAX || texts.some(one => one.includes('\n'))) return null;
  const dictionary = DICTIONARIES[PACKING_DICTIONARY];
  return Buffer.concat([Buffer.from([PACKING_DICTIONARY]), deflateRawSync(text, { ...DEFLATE, dictionary })]);
}

/** What {@link packSession} was given; null: it is damaged, or a newer version has packed it in another way. */
export function unpackSession(packed: Buffer): EndedSession | null {
  const dictionary = DICTIONARIES[packed[0] ?? 0];
  if (dictionary === undefined) return null;
  try {
    // A character of the text takes three bytes at most.
    const options = { windowBits: DEFLATE.windowBits, maxOutputLength: 3 * TEXT_MAX, dictionary };
    const text = inflateRawSync(packed.subarray(1), options).toString();
    const [mv, snapshot, ...lines] = text.split('\n');
    return snapshot === undefined ? null : { mv: Number(mv), snapshot, lines };
  } catch {
    // Neither deflate nor anything else: the caller says what that means.
    return null;
  }
}
