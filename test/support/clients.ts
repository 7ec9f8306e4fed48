import puppeteer, { type Browser, type Page } from 'puppeteer';
import type { SessionView } from './installation';

/** Connects Puppeteer to a session as a user would, and always disconnects afterwards. */
export async function withPuppeteer<T>(
  session: SessionView,
  work: (page: Page, browser: Browser) => Promise<T>,
): Promise<T> {
  const browser = await connectPuppeteer(session);
  try {
    const [page = await browser.newPage()] = await browser.pages();
    return await work(page, browser);
  } finally {
    await browser.disconnect();
  }
}

/** Connects Puppeteer and stays connected; the caller disconnects. */
export async function connectPuppeteer(session: SessionView): Promise<Browser> {
  if (session.websocketUrl === null) throw new Error(`session ${session.id} is ${session.status}`);
  return puppeteer.connect({ browserWSEndpoint: session.websocketUrl, defaultViewport: null });
}

/** Leaves a mark in the session's first page that only the same browser can show again. */
export async function leaveMark(session: SessionView, mark: string): Promise<void> {
  await withPuppeteer(session, page => page.evaluate(`void (window.name = ${JSON.stringify(mark)})`));
}

/** Reads the mark back. */
export async function readMark(session: SessionView): Promise<string> {
  return withPuppeteer(session, async page => String(await page.evaluate('window.name')));
}
