import { z } from 'zod';
import { browserState, type BrowserState, type StateCookie } from '../core/browser-state';
import { systemClock } from '../core/clock';
import { ServiceError } from '../core/errors';
import { CdpError, withBrowser, type CdpCall, type OnCdpEvent } from './cdp-call';
import type { Route } from './dial';

/*
 * Chromium writes cookies to its profile after 30 seconds and local storage after 5. These functions read both from the
 * live browser, and give them to another one.
 */

const targets = z.object({
  targetInfos: z.array(z.object({ targetId: z.string(), type: z.string(), url: z.string() })),
});
const attached = z.object({ sessionId: z.string() });
const created = z.object({ targetId: z.string() });
const storageItems = z.object({ entries: z.array(z.tuple([z.string(), z.string()])) });

interface FrameTree {
  readonly frame: { readonly securityOrigin: string };
  readonly childFrames?: readonly FrameTree[] | undefined;
}
const frameTree: z.ZodType<FrameTree> = z.object({
  frame: z.object({ securityOrigin: z.string() }),
  childFrames: z
    .array(z.lazy(() => frameTree))
    .readonly()
    .optional(),
});

/** How much of a cookie's name a message repeats. */
const NAME_SHOWN = 64;

type OriginStorage = BrowserState['localStorage'][number];

/* Only they have storage that another browser can be given. */
const isWebOrigin = (origin: string): boolean => /^https?:\/\//.test(origin);

/* CDP's key of an origin's first-party storage. */
const storageKeyOf = (origin: string): string => `${origin}/`;

/**
 * Reads all cookies, and the local storage of the origins that are open in a page or frame. Attaches to each page for a
 * moment; pages do not notice it.
 *
 * @param timeoutMs - for everything together
 * @throws ServiceError `browser_unreachable`.
 */
export async function readLiveState(route: Route, timeoutMs: number): Promise<BrowserState> {
  return withBrowser(route, async call => readState(call), timeoutMs);
}

async function readState(call: CdpCall): Promise<BrowserState> {
  const [{ cookies }, { targetInfos }] = await Promise.all([
    call('Storage.getCookies', {}).then(answer => browserState.pick({ cookies: true }).parse(answer)),
    call('Target.getTargets', {}).then(answer => targets.parse(answer)),
  ]);
  const open = targetInfos.filter(({ type, url }) => ['page', 'iframe'].includes(type) && isWebOrigin(url));
  const found = await Promise.all(open.map(({ targetId }) => storageOfTarget(call, targetId)));
  const byOrigin = new Map(found.flat().map(one => [one.origin, one]));
  return { cookies, localStorage: [...byOrigin.values()] };
}

/* A page may close or navigate at any moment: then it has no storage to read here. */
async function storageOfTarget(call: CdpCall, targetId: string): Promise<OriginStorage[]> {
  try {
    const { sessionId } = attached.parse(await call('Target.attachToTarget', { targetId, flatten: true }));
    const answer = await call('Page.getFrameTree', {}, sessionId);
    const origins = originsIn(z.object({ frameTree }).parse(answer).frameTree).filter(isWebOrigin);
    return (await Promise.all(origins.map(origin => storageOf(call, sessionId, origin)))).flat();
  } catch (error) {
    if (error instanceof CdpError) return [];
    throw error;
  }
}

const originsIn = ({ frame, childFrames = [] }: FrameTree): string[] => [
  frame.securityOrigin,
  ...childFrames.flatMap(originsIn),
];

async function storageOf(call: CdpCall, sessionId: string, origin: string): Promise<OriginStorage[]> {
  const storageKey = storageKeyOf(origin);
  const storageId = { storageKey, isLocalStorage: true };
  const answer = await call('DOMStorage.getDOMStorageItems', { storageId }, sessionId).catch(refused);
  return answer === null ? [] : [{ storageKey, origin, items: storageItems.parse(answer).entries }];
}

/* Null for what the browser refuses, such as the storage of a frame that only has a partitioned one. */
function refused(error: unknown): null {
  if (error instanceof CdpError) return null;
  throw error;
}

/**
 * Gives a browser that has no page yet the state of another one. What it refuses is left out, such as a cookie that has
 * expired meanwhile.
 */
export async function restoreLiveState(
  call: CdpCall,
  onEvent: OnCdpEvent,
  { cookies, localStorage }: BrowserState,
): Promise<void> {
  await Promise.all([
    localStorage.length === 0 ? null : restoreStorage(call, onEvent, localStorage),
    restoreCookies(call, cookies),
  ]);
}

/**
 * As {@link restoreLiveState}, for a browser that has pages. What has expired is left out.
 *
 * @param timeoutMs - for everything together
 * @throws ServiceError `invalid_request` naming a cookie that the browser did not keep, never its value;
 *   `browser_unreachable`.
 */
export async function writeLiveState(route: Route, state: BrowserState, timeoutMs: number): Promise<void> {
  await withBrowser(
    route,
    async (call, onEvent) => {
      await restoreLiveState(call, onEvent, state);
      const kept = browserState.pick({ cookies: true }).parse(await call('Storage.getCookies', {})).cookies;
      const nowSeconds = systemClock.nowMs() / 1_000;
      for (const { name, domain, expires } of state.cookies) {
        if (expires >= 0 && expires <= nowSeconds) continue;
        if (kept.some(other => other.name === name && bare(other.domain) === bare(domain))) continue;
        const what = JSON.stringify(name.slice(0, NAME_SHOWN));
        throw new ServiceError('invalid_request', `The browser did not keep the cookie ${what}.`);
      }
    },
    timeoutMs,
  );
}

const bare = (domain: string): string => domain.replace(/^\./, '').toLowerCase();

async function restoreCookies(call: CdpCall, cookies: BrowserState['cookies']): Promise<void> {
  if (cookies.length === 0) return;
  const wanted = cookies.map(asNewCookie);
  const areSet = await call('Storage.setCookies', { cookies: wanted }).then(() => true, refused);
  // One refused cookie refuses all of them.
  if (areSet === null)
    for (const one of wanted) await call('Storage.setCookies', { cookies: [one] }).catch(refused);
}

/* A cookie of one host is set by URL: with `domain` it would be one of all hosts below, too. */
function asNewCookie({ expires, domain, ...cookie }: StateCookie): object {
  const { secure, path } = cookie;
  const place = domain.startsWith('.')
    ? { domain }
    : { url: `${secure ? 'https' : 'http'}://${domain}${path}` };
  return { ...cookie, ...place, ...(expires < 0 ? {} : { expires }) };
}

/*
 * A page of its own visits each origin and is answered here by an empty document, so nothing reaches the network or a
 * service worker. It is closed before the first page opens: navigating that one would leave a history.
 */
async function restoreStorage(
  call: CdpCall,
  onEvent: OnCdpEvent,
  origins: BrowserState['localStorage'],
): Promise<void> {
  const { targetId } = created.parse(await call('Target.createTarget', { url: 'about:blank' }));
  const { sessionId } = attached.parse(await call('Target.attachToTarget', { targetId, flatten: true }));
  onEvent('Fetch.requestPaused', ({ requestId }) => {
    // Fails only with the connection, and then everything here does.
    call('Fetch.fulfillRequest', { requestId, responseCode: 200, body: '' }, sessionId).catch(
      () => undefined,
    );
  });
  await Promise.all([
    call('Network.enable', {}, sessionId),
    call('Network.setBypassServiceWorker', { bypass: true }, sessionId),
    call('Fetch.enable', { patterns: [{ urlPattern: '*' }] }, sessionId),
  ]);
  for (const { origin, storageKey, items } of origins) {
    if (!isWebOrigin(origin) || storageKey !== storageKeyOf(origin)) continue;
    await call('Page.navigate', { url: storageKey }, sessionId);
    const storageId = { storageKey, isLocalStorage: true };
    // Carried out in this order. The save has all items of the origin: what the profile has beside them was removed
    // since.
    await Promise.all([
      call('DOMStorage.clear', { storageId }, sessionId).catch(refused),
      ...items.map(([key, value]) =>
        call('DOMStorage.setDOMStorageItem', { storageId, key, value }, sessionId).catch(refused),
      ),
    ]);
  }
  await call('Target.closeTarget', { targetId });
}
