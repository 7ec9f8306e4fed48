import type { Browser as PlaywrightBrowser, ConnectOverCDPOptions } from 'playwright-core';
import { connectTo } from './connecting';
import { loadLibrary } from './load-library';
import { fetchDownloads } from './playwright-downloads';
import { idOf, type SessionOrId } from './session';
import type { Sessions } from './sessions';

/** The members of Playwright that the client uses. */
export interface PlaywrightLibrary {
  readonly chromium: {
    connectOverCDP(endpointURL: string, options?: ConnectOverCDPOptions): Promise<PlaywrightBrowser>;
  };
}

/** Playwright's own options, without the endpoint. */
export type PlaywrightConnectOptions = Omit<ConnectOverCDPOptions, 'endpointURL'> & {
  readonly signal?: AbortSignal;
};

/** Connects your Playwright to sessions. */
export class PlaywrightConnector {
  /** @param library - used instead of the installed package */
  constructor(
    private readonly sessions: Sessions,
    private readonly library: PlaywrightLibrary | undefined,
  ) {}

  /**
   * Connects over CDP. The session's own pages are in `browser.contexts()[0]`; `browser.close()` only disconnects.
   * Downloads have their `path()`, `saveAs()` and `createReadStream()` on whichever machine the browser runs: the files
   * are fetched on demand.
   *
   * @throws SessionEndedError; HoldfastError `library_missing`; what Playwright throws.
   */
  async connect(
    session: SessionOrId,
    { signal, ...options }: PlaywrightConnectOptions = {},
  ): Promise<PlaywrightBrowser> {
    const packages = ['playwright-core', 'playwright', '@playwright/test'];
    const { chromium } = this.library ?? (await loadLibrary(packages, pickPlaywright));
    const browser = await connectTo(this.sessions, session, signal, {
      connect: async websocketUrl => chromium.connectOverCDP(websocketUrl, options),
      disconnect: async late => late.close(),
    });
    fetchDownloads(browser, this.sessions, idOf(session));
    return browser;
  }
}

function pickPlaywright(exports: Readonly<Record<string, unknown>>): PlaywrightLibrary | undefined {
  // SAFETY: it is Playwright's package, and has the members that are used.
  return typeof exports['chromium'] === 'object' ? (exports as unknown as PlaywrightLibrary) : undefined;
}
