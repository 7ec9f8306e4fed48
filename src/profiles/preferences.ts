import { z } from 'zod';

/**
 * The permissions that a user can give to a site, by Chromium's names. Others are left out because they are no
 * permissions but traces (`site_engagement`), or because they lower a guard (`ssl_cert_decisions`, `popups`).
 */
const PERMISSIONS = [
  'ar',
  'background_sync',
  'clipboard',
  'durable_storage',
  'geolocation',
  'idle_detection',
  'local_fonts',
  'media_stream_camera',
  'media_stream_mic',
  'midi_sysex',
  'notifications',
  'payment_handler',
  'sensors',
  'storage_access',
  'top_level_storage_access',
  'vr',
  'window_placement',
] as const;

/** Larger preferences are not read: Chromium's own take some 20 KB. */
export const PREFERENCES_BYTES_MAX = 8 * 2 ** 20;

/** Chromium's numbers for what a site may do; further ones exist, such as `ask`, which is the default. */
const ALLOW = 1;
const BLOCK = 2;

/** More sites than a profile has in practice; a pattern is a site and the site that embeds it. */
const SITES_MAX = 1_000;
const PATTERN_LENGTH_MAX = 1_024;

const rule = z.object({ setting: z.union([z.literal(ALLOW), z.literal(BLOCK)]) });
const anyObject = z.record(z.string(), z.unknown());
const preferences = z.object({
  profile: z.object({ content_settings: z.object({ exceptions: anyObject }) }),
});

/** What is kept of a browser's preferences: which site has which permission. */
export interface KeptPreferences {
  readonly profile: {
    readonly content_settings: {
      readonly exceptions: Readonly<Record<string, Readonly<Record<string, z.output<typeof rule>>>>>;
    };
  };
}

/** The permissions in a browser's preferences; none if the text is not what Chromium writes. */
export function keptPreferences(text: string): KeptPreferences {
  const parsed = preferences.safeParse(jsonOrNull(text));
  const given = parsed.success ? parsed.data.profile.content_settings.exceptions : {};
  const exceptions = Object.fromEntries(
    PERMISSIONS.flatMap(permission => {
      const rules = rulesIn(given[permission]);
      return Object.keys(rules).length === 0 ? [] : [[permission, rules]];
    }),
  );
  return { profile: { content_settings: { exceptions } } };
}

function rulesIn(sites: unknown): Record<string, z.output<typeof rule>> {
  const parsed = anyObject.safeParse(sites);
  if (!parsed.success) return {};
  const kept = Object.entries(parsed.data).flatMap(([pattern, value]) => {
    const checked = rule.safeParse(value);
    return checked.success && isSitePattern(pattern) ? [[pattern, checked.data] as const] : [];
  });
  return Object.fromEntries(kept.slice(0, SITES_MAX));
}

/* `https://site.example:443,*`: of one site, never of all. */
function isSitePattern(pattern: string): boolean {
  return pattern.length <= PATTERN_LENGTH_MAX && /^https?:\/\/[^\s,*]+,[^\s,]+$/.test(pattern);
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a browser may have been stopped while it wrote the file
  }
}
