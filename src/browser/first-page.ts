import puppeteer from 'puppeteer';
import type { Endpoint } from '../../machines/session/session.types';
import { withDeadline } from '../core/abort';

/** How long a browser whose socket accepts may take to open a page. */
const FIRST_PAGE_TIMEOUT_MS = 15_000;

/**
 * Makes sure that one page is open, then lets go. Puppeteer attaches to every target and makes new ones wait for it,
 * so it must be gone before a client connects: a stalled process of ours would freeze the client's pages.
 *
 * @throws if the browser does not answer, or goes meanwhile.
 */
export async function openFirstPage(endpoint: Endpoint): Promise<void> {
  const browser = await withDeadline(
    'connecting to the browser',
    FIRST_PAGE_TIMEOUT_MS,
    puppeteer.connect({
      browserWSEndpoint: `ws://127.0.0.1:${endpoint.port}${endpoint.path}`,
      defaultViewport: null,
    }),
  );
  try {
    await withDeadline(
      'opening the first page',
      FIRST_PAGE_TIMEOUT_MS,
      (async () => {
        const pages = await browser.pages();
        if (pages.length === 0) await browser.newPage();
      })(),
    );
  } finally {
    await browser.disconnect();
  }
}
