import { z } from 'zod';
import { withBrowser } from './cdp-call';
import type { Route } from './dial';

const sameSite = z.enum(['Strict', 'Lax', 'None']);

/** A cookie as a browser has it. */
export const cookie = z.object({
  name: z.string(),
  value: z.string(),
  domain: z.string(),
  path: z.string(),
  expires: z.number().describe('Epoch seconds; -1: until the session ends.'),
  httpOnly: z.boolean(),
  secure: z.boolean(),
  sameSite: sameSite.optional(),
});

/** A cookie to be set: for a `url`, or for a `domain`. */
export const newCookie = z
  .strictObject({
    name: z.string().min(1).max(4_096),
    value: z.string().max(4_096),
    url: z.url({ protocol: /^https?$/ }).exactOptional(),
    domain: z.string().min(1).max(253).exactOptional(),
    path: z.string().max(4_096).exactOptional(),
    expires: z.number().exactOptional().describe('Epoch seconds; left out: until the session ends.'),
    httpOnly: z.boolean().exactOptional(),
    secure: z.boolean().exactOptional(),
    sameSite: sameSite.exactOptional(),
  })
  .refine(({ url, domain }) => url !== undefined || domain !== undefined, 'needs a url or a domain');

/** @see cookie */
export type Cookie = z.output<typeof cookie>;
/** @see newCookie */
export type NewCookie = z.output<typeof newCookie>;

const answer = z.object({ cookies: z.array(cookie) });

/* Storage.* of the browser itself: nothing is attached to, no page notices. */

/** Every cookie of a browser. @throws HoldfastError `browser_unreachable`. */
export async function readCookies(route: Route): Promise<Cookie[]> {
  return withBrowser(route, async call => answer.parse(await call('Storage.getCookies', {})).cookies);
}

/** Sets cookies. @throws HoldfastError `browser_unreachable`, also if the browser refuses one of them. */
export async function writeCookies(route: Route, cookies: readonly NewCookie[]): Promise<void> {
  await withBrowser(route, call => call('Storage.setCookies', { cookies }));
}
