import { z } from 'zod';

/** A cookie of CDP's `Storage.getCookies`, with all that `Storage.setCookies` needs to make the same one. */
export const stateCookie = z.object({
  name: z.string(),
  value: z.string(),
  domain: z.string(),
  path: z.string(),
  /** Seconds since the epoch. -1: until the session ends. */
  expires: z.number(),
  httpOnly: z.boolean(),
  secure: z.boolean(),
  sameSite: z.enum(['Strict', 'Lax', 'None']).exactOptional(),
  priority: z.enum(['Low', 'Medium', 'High']).exactOptional(),
  sourceScheme: z.enum(['Unset', 'NonSecure', 'Secure']).exactOptional(),
  sourcePort: z.int().min(-1).max(65_535).exactOptional(),
  partitionKey: z.object({ topLevelSite: z.string(), hasCrossSiteAncestor: z.boolean() }).exactOptional(),
});

/** The local storage of one origin, or of one origin inside a page of another. */
const stateLocalStorage = z.object({
  /** CDP's serialized storage key: `https://a.example/`, with a suffix if it is partitioned. */
  storageKey: z.string(),
  origin: z.string(),
  items: z.array(z.tuple([z.string(), z.string()])),
});

/** {@link BrowserState}; fields that are not known are dropped, so CDP's own answers can be parsed. */
export const browserState = z.object({
  cookies: z.array(stateCookie),
  localStorage: z.array(stateLocalStorage),
});

/** What was read of a browser over CDP before it ended. Chromium writes it to its profile later, or never. */
export type BrowserState = z.output<typeof browserState>;
/** @see stateCookie */
export type StateCookie = z.output<typeof stateCookie>;

/** The state of a browser of which nothing could be read. */
export const EMPTY_STATE: BrowserState = { cookies: [], localStorage: [] };
