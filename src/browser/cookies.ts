import { z } from 'zod';
import { ServiceError } from '../core/errors';
import { CdpError, withBrowser, type CdpCall } from './cdp-call';
import type { Route } from './dial';

const sameSite = z.enum(['Strict', 'Lax', 'None']);

/** The top-level site to which a cookie is restricted (CHIPS); a cookie without it is not restricted. */
const partitionKey = z
  .strictObject({ topLevelSite: z.string().max(4_096), hasCrossSiteAncestor: z.boolean() })
  .describe('For a partitioned cookie: the site that it belongs to.');

/** A cookie as the browser reports it. */
export const cookie = z.object({
  name: z.string(),
  value: z.string(),
  domain: z.string(),
  path: z.string(),
  expires: z.number().describe('Seconds since the epoch. -1: until the session ends.'),
  httpOnly: z.boolean(),
  secure: z.boolean(),
  sameSite: sameSite.optional(),
  partitionKey: partitionKey.optional(),
});

/** A cookie to be set: for a `url`, or for a `domain`. */
export const newCookie = z
  .strictObject({
    name: z.string().max(4_096).describe('May be empty if the value is not.'),
    value: z.string().max(4_096),
    url: z.url({ protocol: /^https?$/ }).exactOptional(),
    domain: z.string().min(1).max(253).exactOptional(),
    path: z.string().max(4_096).exactOptional(),
    expires: z.number().exactOptional().describe('Seconds since the epoch. Default: until the session ends.'),
    httpOnly: z.boolean().exactOptional(),
    secure: z.boolean().exactOptional(),
    sameSite: sameSite.exactOptional(),
    partitionKey: partitionKey.exactOptional(),
  })
  .refine(({ url, domain }) => url !== undefined || domain !== undefined, 'needs a url or a domain')
  .refine(({ name, value }) => name !== '' || value !== '', 'needs a name or a value');

/** @see cookie */
export type Cookie = z.output<typeof cookie>;
/** @see newCookie */
export type NewCookie = z.output<typeof newCookie>;

const MALFORMED = 'its name, value, path or prefix is not valid';
const DROPPED = 'it has expired, is SameSite=None without secure, or its site has too many (180)';

/** How much of a name a message repeats. */
const NAME_SHOWN = 64;

const answer = z.object({ cookies: z.array(cookie) });

/* Storage.* of the browser itself: no target is attached, and no page notices it. */

/** Every cookie of a browser. @throws ServiceError `browser_unreachable`. */
export async function readCookies(route: Route): Promise<Cookie[]> {
  return withBrowser(route, listCookies);
}

/** As {@link readCookies}, on a connection that is open. */
export async function listCookies(call: CdpCall): Promise<Cookie[]> {
  return answer.parse(await call('Storage.getCookies', {})).cookies;
}

/**
 * Sets cookies, all of them or, if the browser refuses one, perhaps some.
 *
 * @throws ServiceError `invalid_request` naming the cookie, never its value; `browser_unreachable`.
 */
export async function writeCookies(route: Route, cookies: readonly NewCookie[]): Promise<void> {
  await withBrowser(route, call => putCookies(call, cookies));
}

/**
 * As {@link writeCookies}, on a connection that is open. Chromium 156 refuses in two ways (measured): it answers with
 * an error that does not name the cookie and sets none of them, or it silently drops one (expired, `SameSite=None`
 * without `secure`, the oldest of more than 180 of a site).
 */
export async function putCookies(call: CdpCall, cookies: readonly NewCookie[]): Promise<void> {
  if (cookies.length === 0) return;
  const areSet = await call('Storage.setCookies', { cookies }).then(
    () => true,
    () => false,
  );
  // One after another, to find the refused cookie; a broken connection fails here as well.
  if (!areSet) for (const [index, one] of cookies.entries()) await putOne(call, one, index);
  const kept = await listCookies(call);
  const missing = cookies.findIndex(one => !kept.some(other => isKept(one, other)));
  const lost = cookies[missing];
  if (lost !== undefined) throw refusal(lost, missing, 'did not keep', DROPPED);
}

async function putOne(call: CdpCall, one: NewCookie, index: number): Promise<void> {
  try {
    await call('Storage.setCookies', { cookies: [one] });
  } catch (cause) {
    if (cause instanceof CdpError) throw refusal(one, index, 'refused', MALFORMED);
    throw cause;
  }
}

/* Values are not compared: if one cookie is given twice, the later one counts. */
function isKept(wish: NewCookie, { name, domain }: Cookie): boolean {
  const host = hostOf(wish);
  return wish.name === name && (host === null || host === domain.replace(/^\./, ''));
}

/* In the browser's form: lower case, international names encoded; null if it is not a host name. */
function hostOf({ url, domain }: NewCookie): string | null {
  try {
    return new URL(domain === undefined ? (url ?? '') : `http://${domain.replace(/^\./, '')}`).hostname;
  } catch {
    return null;
  }
}

function refusal({ name }: NewCookie, index: number, what: string, why: string): ServiceError {
  const text = `browser ${what} the cookie ${JSON.stringify(name.slice(0, NAME_SHOWN))}: ${why}`;
  return new ServiceError('invalid_request', `The ${text}.`, {
    fields: [{ pointer: `/cookies/${index}`, message: `the ${text}` }],
  });
}
