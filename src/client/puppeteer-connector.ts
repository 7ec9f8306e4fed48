import type { Browser as PuppeteerBrowser, ConnectOptions } from 'puppeteer-core';
import { connectTo } from './connecting';
import { loadLibrary } from './load-library';
import type { SessionOrId } from './session';
import type { Sessions } from './sessions';

/** The members of Puppeteer that the client uses. */
export interface PuppeteerLibrary {
  connect(options: ConnectOptions): Promise<PuppeteerBrowser>;
}

/** Puppeteer's own options, without the endpoint. */
export type PuppeteerConnectOptions = Omit<
  ConnectOptions,
  'browserWSEndpoint' | 'browserURL' | 'transport' | 'channel'
> & { readonly signal?: AbortSignal };

/** Connects your Puppeteer to sessions. */
export class PuppeteerConnector {
  /** @param library - used instead of the installed package */
  constructor(
    private readonly sessions: Sessions,
    private readonly library: PuppeteerLibrary | undefined,
  ) {}

  /**
   * Connects. `browser.disconnect()` leaves the session live, `browser.close()` ends it. Pages keep the size of the
   * session's window unless you set `defaultViewport`.
   *
   * @throws SessionEndedError; HoldfastError `library_missing`; what Puppeteer throws.
   */
  async connect(
    session: SessionOrId,
    { signal, ...options }: PuppeteerConnectOptions = {},
  ): Promise<PuppeteerBrowser> {
    const library = this.library ?? (await loadLibrary(['puppeteer-core', 'puppeteer'], pickPuppeteer));
    return connectTo(this.sessions, session, signal, {
      connect: async browserWSEndpoint =>
        library.connect({ defaultViewport: null, ...options, browserWSEndpoint }),
      disconnect: async browser => browser.disconnect(),
    });
  }
}

function pickPuppeteer(exports: Readonly<Record<string, unknown>>): PuppeteerLibrary | undefined {
  // SAFETY: it is Puppeteer's package, and has the one function that is used.
  return typeof exports['connect'] === 'function' ? (exports as unknown as PuppeteerLibrary) : undefined;
}
