import type { BrowserState } from '../core/browser-state';
import { firstPageCommand } from '../core/first-page-command';
import type { LayoutWishes } from '../core/window-layout';
import { withBrowser } from './cdp-call';
import { putCookies, type NewCookie } from './cookies';
import type { Route } from './dial';
import { restoreLiveState } from './live-state';

/** How long a browser whose socket accepts may take to open a page. */
const FIRST_PAGE_TIMEOUT_MS = 15_000;

/** How to prepare a browser for its first client. */
export interface FirstPage {
  /** The state of the browser whose profile this one has; null: the profile is complete, or new. */
  readonly restore: BrowserState | null;
  /** Set before any page is opened, after those of the state. */
  readonly cookies: readonly NewCookie[];
  /** The options on which the window depends. */
  readonly window: LayoutWishes;
}

/**
 * Sets the cookies and opens the first page of a browser that was started without a window, then disconnects. It sends
 * a few CDP commands on a socket that attaches to no target. A client library would attach to every target and make new
 * ones wait, and takes twice as long because it sets up the page for automation.
 *
 * @param isOpen - whether its first page is open already; it has loaded nothing that could have seen the cookies
 * @throws ServiceError `browser_unreachable` if the browser does not answer, answers with an error, or exits
 *   meanwhile; `invalid_request` for a cookie that it refuses.
 */
export async function prepareFirstPage(
  route: Route,
  { restore, cookies, window }: FirstPage,
  isOpen: boolean,
): Promise<void> {
  if (isOpen && restore === null && cookies.length === 0) return;
  await withBrowser(
    route,
    async (call, onEvent) => {
      if (restore !== null) await restoreLiveState(call, onEvent, restore);
      await putCookies(call, cookies);
      if (isOpen) return;
      const { method, params } = firstPageCommand(window);
      await call(method, params);
    },
    FIRST_PAGE_TIMEOUT_MS,
  );
}
