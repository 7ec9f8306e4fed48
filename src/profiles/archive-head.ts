import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { z } from 'zod';
import { browserState, type BrowserState } from '../core/browser-state';
import { archiveEntries, type ArchiveEntry } from './archive-entries';
import { BadArchiveError, type BadArchiveReason } from './archive-errors';
import type { ArchiveLimits } from './archive-limits';
import {
  ARCHIVE_FORMAT,
  archiveFormat,
  archiveManifest,
  MANIFEST_BYTES_MAX,
  MANIFEST_NAME,
  STATE_NAME,
  type ArchiveManifest,
} from './archive-manifest';

/** What an archive says beside the files of the profile. */
export interface ArchiveHead {
  readonly manifest: ArchiveManifest;
  readonly state: BrowserState;
}

/**
 * Reads the two entries that every archive begins with, and closes the source.
 *
 * @throws BadArchiveError, or the error of the source.
 */
export async function readArchiveHead(source: Readable, limits: ArchiveLimits): Promise<ArchiveHead> {
  let manifest: ArchiveManifest | null = null;
  for await (const entry of archiveEntries(source, limits)) {
    if (manifest === null) manifest = await readManifest(entry);
    else return { manifest, state: await readState(entry, limits.maxStateBytes) };
  }
  throw new BadArchiveError('bad_state', `it has no ${STATE_NAME}`);
}

/** @throws BadArchiveError unless the entry is a manifest of a known format. */
export async function readManifest(entry: ArchiveEntry): Promise<ArchiveManifest> {
  if (entry.name !== MANIFEST_NAME)
    throw new BadArchiveError('bad_manifest', `it does not begin with ${MANIFEST_NAME}`);
  const json = parsedJson(await readText(entry, MANIFEST_BYTES_MAX), 'bad_manifest');
  const { format } = checked(archiveFormat, json, 'bad_manifest');
  if (format !== ARCHIVE_FORMAT) throw new BadArchiveError('unknown_format', `its format is ${format}`);
  return checked(archiveManifest, json, 'bad_manifest');
}

/** @throws BadArchiveError unless the entry is a state. */
export async function readState(entry: ArchiveEntry, maxBytes: number): Promise<BrowserState> {
  if (entry.name !== STATE_NAME)
    throw new BadArchiveError('bad_state', `its second file is not ${STATE_NAME}`);
  return checked(browserState, parsedJson(await readText(entry, maxBytes), 'bad_state'), 'bad_state');
}

/** @throws BadArchiveError for an entry of more bytes. */
export async function readText({ name, bytes, content }: ArchiveEntry, maxBytes: number): Promise<string> {
  if (bytes > maxBytes) throw new BadArchiveError('too_large', `${name} has more than ${maxBytes} bytes`);
  return text(content);
}

function parsedJson(content: string, reason: BadArchiveReason): unknown {
  try {
    return JSON.parse(content);
  } catch {
    // Without the parser's error, which repeats what it read: that may be a cookie.
    throw new BadArchiveError(reason, 'its JSON cannot be parsed');
  }
}

function checked<S extends z.ZodType>(schema: S, json: unknown, reason: BadArchiveReason): z.output<S> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path }) => path.join('.') || 'the whole');
  throw new BadArchiveError(reason, `these fields are wrong: ${fields.slice(0, 5).join(', ')}`);
}
