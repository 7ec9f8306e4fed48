import { z } from 'zod';
import type { BrowserState, StateCookie } from '../../../core/browser-state';
import { ServiceError } from '../../../core/errors';
import type { StorageState } from '../../../profiles/storage-state';

const COOKIES_MAX = 3_000;

const cookie = z
  .looseObject({
    name: z.string().max(4_096),
    value: z.string().max(4_096),
    domain: z.string().min(1).max(254).optional(),
    url: z.url({ protocol: /^https?$/ }).optional(),
    path: z.string().max(4_096).startsWith('/').optional(),
    expires: z.number().optional(),
    httpOnly: z.boolean().optional(),
    secure: z.boolean().optional(),
    sameSite: z.enum(['Strict', 'Lax', 'None']).optional(),
    partitionKey: z.object({ topLevelSite: z.string(), hasCrossSiteAncestor: z.boolean() }).optional(),
  })
  .refine(({ domain, url }) => domain !== undefined || url !== undefined, 'needs a domain or a url');

const isOrigin = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

const localStorage = z.record(
  z.string().refine(isOrigin, 'must be an origin, such as https://shop.example'),
  z.record(z.string(), z.string()),
);

/** `sessionContext` of a create. */
export const sessionContext = z.looseObject({
  cookies: z.array(cookie).max(COOKIES_MAX).optional(),
  localStorage: localStorage.optional(),
  sessionStorage: z.record(z.string(), z.unknown()).optional(),
  indexedDB: z.record(z.string(), z.unknown()).optional(),
});

/** What Steel's clients get of a browser's state, and give to another one. */
export interface SteelContext {
  readonly cookies: readonly object[];
  /** By origin. */
  readonly localStorage: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * A `sessionContext` as state of a browser.
 *
 * @throws ServiceError `not_supported` for storage that cannot be set from outside of a page.
 */
export function stateOf(given: z.output<typeof sessionContext>): BrowserState {
  for (const name of ['sessionStorage', 'indexedDB'] as const) {
    if (Object.keys(given[name] ?? {}).length === 0) continue;
    const message = 'is not supported: leave it out. Profiles keep IndexedDB';
    const pointer = `/sessionContext/${name}`;
    throw new ServiceError('not_supported', `${pointer}: ${message}`, { fields: [{ pointer, message }] });
  }
  return {
    cookies: (given.cookies ?? []).map(stateCookie),
    localStorage: Object.entries(given.localStorage ?? {}).map(([text, items]) => {
      const { origin } = new URL(text);
      return { storageKey: `${origin}/`, origin, items: Object.entries(items) };
    }),
  };
}

function stateCookie(given: z.output<typeof cookie>): StateCookie {
  const { name, value, domain, url, path, expires, httpOnly, secure, sameSite, partitionKey } = given;
  const site = url === undefined ? null : new URL(url);
  return {
    ...{ name, value, domain: domain ?? site?.hostname ?? '', path: path ?? '/', expires: expires ?? -1 },
    httpOnly: httpOnly ?? false,
    secure: secure ?? site?.protocol === 'https:',
    ...(sameSite === undefined ? {} : { sameSite }),
    ...(partitionKey === undefined ? {} : { partitionKey }),
  };
}

/** The state of a live browser, as Steel's clients see it. Partitioned local storage has no place in it. */
export function contextOfState({ cookies, localStorage: origins }: BrowserState): SteelContext {
  return {
    cookies: cookies.map(steelCookie),
    localStorage: Object.fromEntries(
      origins
        .filter(({ storageKey, origin, items }) => storageKey === `${origin}/` && items.length > 0)
        .map(({ origin, items }) => [origin, Object.fromEntries(items)]),
    ),
  };
}

/** The same of a saved state. */
export function contextOfSaved({ cookies, origins }: StorageState): SteelContext {
  return contextOfState({
    cookies: cookies.map(
      ({ partitionKey, _crHasCrossSiteAncestor: hasCrossSiteAncestor = true, ...one }) => ({
        ...one,
        ...(partitionKey === undefined
          ? {}
          : { partitionKey: { topLevelSite: partitionKey, hasCrossSiteAncestor } }),
      }),
    ),
    localStorage: origins.map(({ origin, localStorage: items }) => ({
      storageKey: `${origin}/`,
      origin,
      items: items.map(({ name, value }) => [name, value]),
    })),
  });
}

const steelCookie = (one: StateCookie): object => ({
  ...one,
  session: one.expires < 0,
  size: Buffer.byteLength(one.name + one.value),
});
