import type { BrowserCreateOptions } from '../client/browser-options';
import { z } from 'zod';
import type { BrowserOptions } from '../../machines/session/session.types';
import { newCookie } from '../browser/cookies';
import { EgressEntryError, readEgressEntry, writeEgressEntry } from '../config/egress';
import type { LaunchSecrets } from '../browser/launch-secrets';
import { BROWSERS } from '../../machines/session/session.words';
import { NARROWEST_WINDOW } from '../core/window-layout';

/**
 * The most that all cookies of a create may take as JSON: they are stored in the session's row until its browser has
 * them.
 */
const COOKIES_MAX_BYTES = 65_536;

/** As many as an `8K` screen has; a browser draws every page into several buffers of this size. */
const DEVICE_PIXELS_MAX = 7_680 * 4_320;

const USER_AGENT_MAX = 512;

/**
 * The longest tag of language, script, region and variants that RFC 5646 (4.4.1) requires implementations to accept.
 */
const LOCALE_MAX = 35;

/** How many entries a list of `egress` may have, and how long one may be: the longest name, `*.`, and a port. */
const EGRESS_ENTRIES_MAX = 100;
const EGRESS_ENTRY_MAX = 261;

/** The longest user name or password of a SOCKS5 proxy (RFC 1929); HTTP sets no limit. */
const CREDENTIAL_MAX_BYTES = 255;

const dimensions = z
  .strictObject({ width: z.int().min(100).max(7_680), height: z.int().min(100).max(4_320) })
  .describe('The viewport of every page, in CSS pixels.');

const userAgent = z
  .string()
  .max(USER_AGENT_MAX, `must have at most ${USER_AGENT_MAX} characters`)
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'must be printable ASCII without spaces at its ends')
  .describe(
    'Sets `navigator.userAgent` and `User-Agent`. Client hints and `navigator.platform` stay those of Chromium.',
  );

const locale = z
  .string()
  .max(LOCALE_MAX)
  .transform(
    (tag, context) => canonicalLocale(tag) ?? refuse(context, 'must be a language tag such as de-DE'),
  )
  .describe(
    'A language tag such as `de-DE` (BCP 47, no extensions). Sets `navigator.language`, ' +
      '`Accept-Language` and, if Chromium has the language, `Intl`.',
  );

const timezone = z
  .string()
  .max(64)
  .transform(
    (zone, context) =>
      canonicalTimezone(zone) ?? refuse(context, 'must be a time zone such as Europe/Berlin'),
  )
  .describe(
    'An IANA name such as `Europe/Berlin`. If a zone has several names, the answer has the one that browsers use.',
  );

const credential = z
  .string()
  .min(1)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters')
  .refine(
    text => Buffer.byteLength(text) <= CREDENTIAL_MAX_BYTES,
    `must have at most ${CREDENTIAL_MAX_BYTES} bytes`,
  );

const proxy = z
  .strictObject({
    server: z
      .string()
      .max(300)
      .transform((url, context) => proxyServer(url, context))
      .describe('`http://host:port`, `https://host:port` or `socks5://host:port`.'),
    username: credential.refine(name => !name.includes(':'), 'must not have a colon').exactOptional(),
    password: credential.exactOptional(),
  })
  .refine(given => given.password === undefined || given.username !== undefined, {
    path: ['username'],
    message: 'is needed with a password',
  })
  .describe(
    'All traffic of the browser goes through the proxy; there is no direct connection. No answer ' +
      'contains user name and password.',
  );

const egressEntries = z
  .array(
    z
      .string()
      .max(EGRESS_ENTRY_MAX)
      .transform((text, context) => egressEntry(text, context)),
  )
  .max(EGRESS_ENTRIES_MAX);

const egress = z
  .strictObject({
    allow: egressEntries.nullable().default(null).describe('Only these. Default: everything.'),
    deny: egressEntries.nullable().default(null).describe('Not these; wins over `allow`.'),
  })
  .describe(
    'What the browser may reach of what the installation permits; it cannot become more. An entry is a host ' +
      '(`example.com`, `*.example.com` for all below it), an address, a range (`10.0.0.0/8`) or `*`, each with ' +
      '`:port` or without.',
  );

const cookies = z
  .array(newCookie)
  .refine(
    given => Buffer.byteLength(JSON.stringify(given)) <= COOKIES_MAX_BYTES,
    `must be at most ${COOKIES_MAX_BYTES} bytes of JSON in total; set further cookies when the session is live`,
  )
  .describe('Set in the browser before its first page opens.');

/** The fields of `POST /v1/sessions` about the browser. */
export const browserFields = {
  browser: z
    .enum(BROWSERS)
    .nullable()
    .default(null)
    .describe(
      'The whole Chromium, or the smaller one without a user interface, which starts faster and takes less ' +
        'memory ([differences](options.md#browsers)). Default: what the service starts by default.',
    ),
  headless: z
    .boolean()
    .nullable()
    .default(null)
    .describe('False: the browser has windows, on a virtual display of its own. Default: true.'),
  dimensions: dimensions.nullable().default(null),
  deviceScaleFactor: z
    .number()
    .min(0.5)
    .max(4)
    .nullable()
    .default(null)
    .describe('Device pixels per CSS pixel.'),
  userAgent: userAgent.nullable().default(null),
  locale: locale.nullable().default(null),
  timezone: timezone.nullable().default(null),
  proxy: proxy.nullable().default(null),
  egress: egress.nullable().default(null),
  cookies: cookies.nullable().default(null),
} satisfies Record<keyof BrowserCreateOptions, z.ZodType>;

/** @see browserFields */
export type BrowserFields = z.output<z.ZodObject<typeof browserFields>>;

/** Checks that involve several fields. */
export function checkBrowserFields(given: BrowserFields, context: z.RefinementCtx): void {
  const { browser, dimensions: asked, deviceScaleFactor, headless } = given;
  if (headless === false && browser === 'chromium-headless-shell')
    context.addIssue({
      code: 'custom',
      path: ['headless'],
      message: 'must be true: this browser has no windows',
    });
  if (asked === null) return;
  const { width, height } = asked;
  if (headless === false && width < NARROWEST_WINDOW) {
    const message = `must be at least ${NARROWEST_WINDOW} unless the session is headless`;
    context.addIssue({ code: 'custom', path: ['dimensions', 'width'], message });
  }
  if (width * height * (deviceScaleFactor ?? 1) ** 2 > DEVICE_PIXELS_MAX) {
    const message =
      `must have at most ${DEVICE_PIXELS_MAX} device pixels: width × height × the square of the ` +
      'scale factor';
    context.addIssue({ code: 'custom', path: ['dimensions'], message });
  }
}

/** The fields → the public options for the row, and the secrets to seal. */
export function splitBrowserFields(given: BrowserFields): {
  options: BrowserOptions;
  secrets: LaunchSecrets;
} {
  const {
    browser,
    headless,
    dimensions: asked,
    deviceScaleFactor,
    userAgent: agent,
    locale: tag,
    timezone: zone,
    egress: reach,
  } = given;
  const { server, username, password = '' } = given.proxy ?? {};
  return {
    options: {
      browser,
      headless: headless ?? true,
      dimensions: asked,
      deviceScaleFactor,
      userAgent: agent,
      locale: tag,
      timezone: zone,
      egress: reach === null ? null : { allow: reach.allow, deny: reach.deny ?? [] },
      proxyServer: server ?? null,
    },
    secrets: {
      proxy: username === undefined ? null : { username, password },
      cookies: given.cookies ?? [],
    },
  };
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

function egressEntry(text: string, context: z.RefinementCtx): string {
  try {
    return writeEgressEntry(readEgressEntry(text));
  } catch (error) {
    if (!(error instanceof EgressEntryError)) throw error;
    return refuse(context, error.message);
  }
}

function canonicalLocale(tag: string): string | null {
  try {
    const given = new Intl.Locale(tag);
    // No extensions: servers and Chromium's own language setting do not support them.
    return given.baseName === given.toString() ? given.baseName : null;
  } catch {
    return null; // not well-formed
  }
}

/* The canonical name of a zone. Chromium certainly accepts this one from its environment, where case matters. */
function canonicalTimezone(zone: string): string | null {
  // Intl accepts offsets as zones, but in the environment their sign has the opposite meaning.
  if (/^[+-]/.test(zone)) return null;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return null; // unknown
  }
}

/* Strict: Chromium would parse a text with `;`, `,` or `=` as several servers. */
function proxyServer(url: string, context: z.RefinementCtx): string {
  const [, scheme, host, port] =
    /^(https?|socks5):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+):(\d{1,5})\/?$/i.exec(url) ?? [];
  if (scheme === undefined || host === undefined || port === undefined) {
    const hint = url.includes('@') ? ': give user name and password in their own fields' : '';
    return refuse(
      context,
      `must be http://, https:// or socks5:// with host and port, and nothing else${hint}`,
    );
  }
  if (Number(port) < 1 || Number(port) > 65_535) return refuse(context, 'must have a port from 1 to 65535');
  // With an invalid address Chromium would start but load nothing.
  if (!URL.canParse(`http://${host}:${port}`))
    return refuse(context, 'must have a host name or an IP address');
  return `${scheme}://${host}:${Number(port)}`.toLowerCase();
}
