import { stat } from 'node:fs/promises';

/** Chromium gets fixes of security holes about weekly. */
const STALE_AFTER_DAYS = 30;

const DAY_MS = 86_400_000;

/** Archives without times give files one of these days. */
const NO_TIME_BEFORE_MS = Date.UTC(2000, 0, 1);

/**
 * How many days ago the program of a browser was built, if that is too long; null if it is not, or nobody knows.
 * Package managers keep the time of the build as that of the file.
 */
export async function staleDays(program: string, nowMs: number): Promise<number | null> {
  const builtAtMs = await stat(program).then(
    ({ mtimeMs }) => mtimeMs,
    () => NaN, // that there is no such program is said elsewhere
  );
  const days = Math.floor((nowMs - builtAtMs) / DAY_MS);
  return builtAtMs >= NO_TIME_BEFORE_MS && days > STALE_AFTER_DAYS ? days : null;
}
