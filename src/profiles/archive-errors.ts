import type { ArchiveLimits } from './archive-limits';

/** What is wrong with an archive. */
export type BadArchiveReason =
  | 'bad_header'
  | 'bad_manifest'
  | 'bad_name'
  | 'bad_state'
  | 'duplicate_name'
  | 'not_a_file'
  | 'not_allowed'
  | 'not_gzip'
  | 'too_large'
  | 'trailing_data'
  | 'truncated'
  | 'unknown_format';

/** Thrown for an archive that no browser may get: broken, foreign or hostile. */
export class BadArchiveError extends Error {
  constructor(
    readonly reason: BadArchiveReason,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`the archive is not usable: ${detail}`, options);
    this.name = 'BadArchiveError';
  }
}

/** Thrown while a profile is packed that is larger than an archive may be. */
export class ArchiveTooLargeError extends Error {
  constructor(
    readonly bound: keyof ArchiveLimits,
    readonly limit: number,
  ) {
    super(`the profile is too large to be kept: ${bound} is ${limit}`);
    this.name = 'ArchiveTooLargeError';
  }
}

/** Thrown while a profile is packed that changes at the same time; packing it again may succeed. */
export class ProfileChangedError extends Error {
  constructor(path: string) {
    super(`${JSON.stringify(path)} changed while it was packed`);
    this.name = 'ProfileChangedError';
  }
}
