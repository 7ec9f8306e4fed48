import type { Endpoint } from '../../machines/session/session.types';
import type { BrowserState } from '../core/browser-state';
import { withBrowser } from './cdp-call';
import { putCookies, type NewCookie } from './cookies';
import { restoreLiveState } from './live-state';

/** How long a browser whose socket accepts may take to open a page. */
const FIRST_PAGE_TIMEOUT_MS = 15_000;

const FIRST_PAGE_URL = 'about:blank';

/** How to prepare a browser for its first client. */
export interface FirstPage {
  /** The state of the browser whose profile this one has; null: the profile is complete, or new. */
  readonly restore: BrowserState | null;
  /** Set before any page is opened, after those of the state. */
  readonly cookies: readonly NewCookie[];
  /** Whether its window covers the screen; later pages open in the same window. */
  readonly isFullscreen: boolean;
}

/**
 * Sets the cookies and opens the first page of a browser that was started without a window, then disconnects. It sends
 * a few CDP commands on a socket that attaches to no target. A client library would attach to every target and make new
 * ones wait, and takes twice as long because it sets up the page for automation.
 *
 * Opened with `Target.createTarget` and not with `PUT /json/new`, whose page never gets the focus (Chromium 156).
 *
 * @throws ServiceError `browser_unreachable` if the browser does not answer, answers with an error, or exits
 *   meanwhile; `invalid_request` for a cookie that it refuses.
 */
export async function openFirstPage(
  { port, path }: Pick<Endpoint, 'port' | 'path'>,
  { restore, cookies, isFullscreen }: FirstPage,
): Promise<void> {
  await withBrowser(
    { host: '127.0.0.1', port, path, direct: true },
    async (call, onEvent) => {
      if (restore !== null) await restoreLiveState(call, onEvent, restore);
      await putCookies(call, cookies);
      const windowState = isFullscreen ? { windowState: 'fullscreen' } : {};
      await call('Target.createTarget', { url: FIRST_PAGE_URL, ...windowState });
    },
    FIRST_PAGE_TIMEOUT_MS,
  );
}
