/** The preferences of a request in `Prefer` (RFC 7240); unknown ones are ignored, as the RFC demands. */
export interface Preferences {
  /** How long to wait at most, seconds; null: not given. */
  readonly waitSeconds: number | null;
  readonly respondAsync: boolean;
}

/** The longest wait; longer ones are cut to it, and `Preference-Applied` shows the result. */
const WAIT_MAX_SECONDS = 120;

/** Reads the header; never throws. */
export function parsePrefer(header: string | string[] | undefined): Preferences {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  let waitSeconds: number | null = null;
  let respondAsync = false;
  for (const preference of text.split(',')) {
    const token = preference.split(';')[0]?.trim().toLowerCase() ?? '';
    const wait = /^wait\s*=\s*"?(\d{1,6})"?$/.exec(token)?.[1];
    // The first of several counts (RFC 7240, section 2).
    if (wait !== undefined) waitSeconds ??= Math.min(Number(wait), WAIT_MAX_SECONDS);
    if (token === 'respond-async') respondAsync = true;
  }
  return { waitSeconds, respondAsync };
}

/** The value of `Preference-Applied`; null if nothing was asked for. */
export function preferenceApplied({ waitSeconds, respondAsync }: Preferences): string | null {
  const applied = [
    ...(respondAsync ? ['respond-async'] : []),
    ...(waitSeconds === null ? [] : [`wait=${waitSeconds}`]),
  ];
  return applied.length === 0 ? null : applied.join(', ');
}
