const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const PARTS = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** The forms of a duration, for messages. */
export const DURATION_FORMS = '500ms, 30s, 10m, 2h, 1h30m or plain milliseconds';

/**
 * `500ms`, `30s`, `10m`, `2h`, `1d`, a sequence of them, or plain milliseconds → milliseconds; null for other texts.
 */
export function parseDuration(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text);
  if (!PARTS.test(text)) return null;
  const parts = [...text.matchAll(PART)].map(([, amount, unit]) => {
    // SAFETY: the pattern knows these units only.
    return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  });
  return Math.round(parts.reduce((total, ms) => total + ms, 0));
}

/** Milliseconds for people, its two greatest units: `12s`, `3m12s`, `2h05m`, `4d07h`; negative values count as 0. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [minutes, hours, days] = [60, 3_600, 86_400].map(unit => Math.floor(seconds / unit));
  if (days) return `${days}d${two((hours ?? 0) % 24)}h`;
  if (hours) return `${hours}h${two((minutes ?? 0) % 60)}m`;
  return minutes ? `${minutes}m${two(seconds % 60)}s` : `${seconds}s`;
}

/** Milliseconds in the exact form of a setting: `500ms`, `30s`, `10m`, `1h30m`. */
export function formatDuration(ms: number): string {
  let rest = ms;
  const parts = (['d', 'h', 'm', 's', 'ms'] as const).map(unit => {
    const amount = Math.floor(rest / UNIT_MS[unit]);
    rest -= amount * UNIT_MS[unit];
    return amount === 0 ? '' : `${amount}${unit}`;
  });
  return parts.join('') || '0s';
}

const two = (value: number): string => String(value).padStart(2, '0');
