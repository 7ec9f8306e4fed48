import { z } from 'zod';
import { checkFields } from '../core/check-fields';
import type { BrowserState, StateCookie } from '../core/browser-state';

/* Playwright's `storageState`, as its versions 1.54 to 1.65 write and read it. */

const COOKIES_MAX = 5_000;
const ORIGINS_MAX = 1_000;
const ITEMS_MAX = 10_000;
/** What Chromium takes of a cookie. */
const COOKIE_LENGTH_MAX = 4_096;
/** What Chromium stores for an origin, names and values together. */
const ITEM_LENGTH_MAX = 10 * 2 ** 20;

const origin = z
  .url({ protocol: /^https?$/ })
  .refine(text => new URL(text).origin === text, 'must be an origin, such as https://shop.example');

const cookie = z
  .strictObject({
    name: z.string().max(COOKIE_LENGTH_MAX),
    value: z.string().max(COOKIE_LENGTH_MAX),
    domain: z.string().min(1).max(254),
    path: z.string().max(COOKIE_LENGTH_MAX).startsWith('/'),
    /** Seconds since the epoch. -1: until the session ends. */
    expires: z.number().min(-1).default(-1),
    httpOnly: z.boolean().default(false),
    secure: z.boolean().default(false),
    sameSite: z.enum(['Strict', 'Lax', 'None']).default('Lax'),
    /** The top-level site of a partitioned cookie. */
    partitionKey: z.string().max(COOKIE_LENGTH_MAX).exactOptional(),
    _crHasCrossSiteAncestor: z.boolean().exactOptional(),
  })
  .refine(({ name, value }) => name !== '' || value !== '', 'needs a name or a value');

const item = z.strictObject({ name: z.string(), value: z.string() });
const originState = z.strictObject({
  origin,
  localStorage: z
    .array(item)
    .max(ITEMS_MAX)
    .refine(
      items => items.reduce((sum, { name, value }) => sum + name.length + value.length, 0) <= ITEM_LENGTH_MAX,
      `must have at most ${ITEM_LENGTH_MAX} characters in all`,
    )
    .default([]),
  indexedDB: z
    .array(z.unknown())
    .max(0, 'is not supported: only cookies and local storage are')
    .exactOptional(),
});

/** Playwright's `storageState`. */
export const storageState = z
  .strictObject({
    cookies: z.array(cookie).max(COOKIES_MAX).default([]),
    origins: z.array(originState).max(ORIGINS_MAX).default([]),
  })
  .superRefine(({ origins }, context) => {
    const seen = new Set<string>();
    for (const [index, { origin: name }] of origins.entries()) {
      if (seen.has(name))
        context.addIssue({ code: 'custom', path: ['origins', index, 'origin'], message: 'comes twice' });
      seen.add(name);
    }
  });

/** @see storageState */
export type StorageState = z.output<typeof storageState>;

/**
 * A state in Playwright's form. Local storage that is partitioned (of a frame of one site in a page of another) has no
 * place in that form and is left out; so are a cookie's priority and the scheme and port that set it.
 */
export function toStorageState({ cookies, localStorage }: BrowserState): StorageState {
  return {
    cookies: cookies.map(toPlaywright),
    origins: localStorage
      .filter(({ storageKey, origin: name, items }) => storageKey === keyOf(name) && items.length > 0)
      .map(({ origin: name, items }) => ({
        origin: name,
        localStorage: items.map(([itemName, value]) => ({ name: itemName, value })),
      })),
  };
}

/**
 * The state that a `storageState` of Playwright describes.
 *
 * @throws ServiceError `invalid_request`, naming every field that is wrong.
 */
export function fromStorageState(json: unknown): BrowserState {
  const { cookies, origins } = checkFields(storageState, json);
  return {
    cookies: cookies.map(fromPlaywright),
    localStorage: origins
      .filter(({ localStorage }) => localStorage.length > 0)
      .map(({ origin: name, localStorage }) => ({
        storageKey: keyOf(name),
        origin: name,
        items: localStorage.map(one => [one.name, one.value]),
      })),
  };
}

/* The storage key of an origin's own pages. */
const keyOf = (name: string): string => `${name}/`;

/* Playwright gives a cookie without SameSite the value that browsers take for it. */
function toPlaywright(one: StateCookie): StorageState['cookies'][number] {
  const { name, value, domain, path, expires, httpOnly, secure, sameSite = 'Lax', partitionKey } = one;
  const plain = { name, value, domain, path, expires, httpOnly, secure, sameSite };
  if (partitionKey === undefined) return plain;
  const { topLevelSite, hasCrossSiteAncestor } = partitionKey;
  return { ...plain, partitionKey: topLevelSite, _crHasCrossSiteAncestor: hasCrossSiteAncestor };
}

/* As Playwright itself reads them: a partitioned cookie has a cross-site ancestor unless it says otherwise. */
function fromPlaywright(one: StorageState['cookies'][number]): StateCookie {
  const { partitionKey, _crHasCrossSiteAncestor: hasCrossSiteAncestor = true, ...plain } = one;
  return partitionKey === undefined
    ? plain
    : { ...plain, partitionKey: { topLevelSite: partitionKey, hasCrossSiteAncestor } };
}
