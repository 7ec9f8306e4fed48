import { z } from 'zod';

/** The first entry of an archive: what the archive is. */
export const MANIFEST_NAME = 'manifest.json';
/** Longer manifests are not read. */
export const MANIFEST_BYTES_MAX = 16 * 2 ** 10;
/** The second entry: {@link BrowserState}. */
export const STATE_NAME = 'state.json';
/** The folder of an archive that holds the files of the profile. */
export const PROFILE_PREFIX = 'profile/';

/** The only format so far. A reader refuses every other one. */
export const ARCHIVE_FORMAT = 1;

/** What every format has. */
export const archiveFormat = z.object({ format: z.number() });

/** {@link ArchiveManifest} */
export const archiveManifest = z.strictObject({
  format: z.literal(ARCHIVE_FORMAT),
  chromiumVersion: z.string().max(128),
  endedCleanly: z.boolean(),
  stateWasRead: z.boolean(),
  savedAtMs: z.int().nonnegative(),
});

/**
 * What an archive is, and where it comes from.
 *
 * - `chromiumVersion`: that of the browser whose profile this is.
 * - `endedCleanly`: the browser ended in order, so the profile is complete. Otherwise `state.json` is newer than it.
 * - `stateWasRead`: false if the browser was gone before its state could be read; `state.json` is empty then.
 * - `savedAtMs`: epoch milliseconds.
 */
export type ArchiveManifest = z.output<typeof archiveManifest>;
