import { z } from 'zod';
import { newCookie, type Cookie, type NewCookie } from '../../../browser/cookies';
import { checkFields } from '../../../core/check-fields';
import type { StorageState } from '../../../profiles/storage-state';

const COOKIES_MAX = 500;

/** A cookie as Notte's clients read it. Times are seconds since the epoch. */
export interface NotteCookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly path: string;
  readonly httpOnly: boolean;
  readonly secure: boolean;
  readonly sameSite: 'Lax' | 'None' | 'Strict' | null;
  /** -1: until the browser ends, as Playwright has it. */
  readonly expires: number;
  readonly expirationDate: number | null;
  /** Until the browser ends. */
  readonly session: boolean;
  /** Of this host alone. */
  readonly hostOnly: boolean;
  /** The top-level site of a partitioned cookie. CDP has an object here, which Python's client refuses. */
  readonly partitionKey: string | null;
  readonly storeId: null;
}

/** A cookie of a browser → Notte's form. */
export function notteCookie(cookie: Cookie): NotteCookie {
  const { name, value, domain, path, httpOnly, secure, sameSite = null, expires, partitionKey } = cookie;
  const lasts = expires >= 0;
  return {
    ...{ name, value, domain, path, httpOnly, secure, sameSite },
    expires: lasts ? expires : -1,
    expirationDate: lasts ? expires : null,
    session: !lasts,
    hostOnly: !domain.startsWith('.'),
    partitionKey: partitionKey?.topLevelSite ?? null,
    storeId: null,
  };
}

/** A cookie of a saved context → Notte's form. */
export function notteSavedCookie({ partitionKey, ...cookie }: StorageState['cookies'][number]): NotteCookie {
  return { ...notteCookie(cookie), partitionKey: partitionKey ?? null };
}

/* In any case: Python's client changes it on its way. */
const sameSite = z
  .string()
  .transform(word => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
  .pipe(z.enum(['Lax', 'None', 'Strict']));

const cookie = z.looseObject({
  name: z.string(),
  value: z.string(),
  domain: z.string().min(1),
  path: z.string(),
  httpOnly: z.boolean(),
  secure: z.boolean().nullish(),
  sameSite: sameSite.nullish(),
  expires: z.number().nullish(),
  expirationDate: z.number().nullish(),
  session: z.boolean().nullish(),
  hostOnly: z.boolean().nullish(),
  partitionKey: z.string().nullish(),
});

const cookiesBody = z.looseObject({ cookies: z.array(cookie).max(COOKIES_MAX) });
const newCookies = z.object({ cookies: z.array(newCookie) });

/** Cookies to be set, without those that have expired. */
export interface GivenCookies {
  readonly cookies: readonly NewCookie[];
  readonly expired: number;
}

/**
 * The body of `POST /sessions/{id}/cookies`. Expired cookies are left out: clients send whole files of an earlier
 * session, and one of them would make the browser refuse all.
 *
 * @throws ServiceError `invalid_request`, naming every field.
 */
export function givenCookies(body: unknown, nowMs: number): GivenCookies {
  const given = checkFields(cookiesBody, body).cookies.map(newCookieOf);
  const lasting = given.filter(({ expires }) => expires === undefined || expires * 1_000 > nowMs);
  return {
    cookies: checkFields(newCookies, { cookies: lasting }).cookies,
    expired: given.length - lasting.length,
  };
}

/*
 * Without a dot a domain is one host, as Playwright has it. The browser makes such a cookie for a URL only.
 */
function newCookieOf(given: z.output<typeof cookie>): NewCookie {
  const { name, value, path, httpOnly, hostOnly, session } = given;
  const secure = given.secure ?? false;
  const host = given.domain.replace(/^\./, '');
  const expires = given.expirationDate ?? given.expires ?? -1;
  const isOfHost = hostOnly ?? !given.domain.startsWith('.');
  return {
    ...{ name, value, path, httpOnly, secure },
    ...(isOfHost ? { url: `${secure ? 'https' : 'http'}://${host}/` } : { domain: `.${host}` }),
    ...(expires < 0 || session === true ? {} : { expires }),
    ...(isGiven(given.sameSite) ? { sameSite: given.sameSite } : {}),
    ...(isGiven(given.partitionKey)
      ? { partitionKey: { topLevelSite: given.partitionKey, hasCrossSiteAncestor: true } }
      : {}),
  };
}

const isGiven = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;
