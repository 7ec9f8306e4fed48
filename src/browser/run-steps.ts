import { tmpdir } from 'node:os';
import type { Browser, Locator, Page } from 'playwright-core';
import { withDeadline } from '../core/abort';
import { ServiceError, messageOf } from '../core/errors';
import { readCookies, writeCookies } from './cookies';
import type { Route } from './dial';
import type { RunStep } from './steps';

/** How long the browser may take to accept the connection. */
const CONNECT_TIMEOUT_MS = 10_000;

/** The output of a step: JSON, or a document; null: none. */
export type StepOutput =
  { readonly value: unknown } | { readonly bytes: Buffer; readonly contentType: string } | null;

/** The first page of a live session, ready for steps. */
export interface StepPage {
  /**
   * Does one step.
   *
   * @throws what Playwright throws: the step did not finish in time, or the browser is gone.
   */
  perform(step: RunStep): Promise<StepOutput>;
  /** Disconnects; the session and its pages stay as they are. */
  close(): Promise<void>;
}

/**
 * Loads Playwright. It is large, most installations never need it, and loading blocks the process for up to a second.
 * So it is loaded with the first job that has steps, before its session begins to count as idle.
 */
export async function loadStepLibrary(): Promise<void> {
  await import('playwright-core');
}

/**
 * Connects to the first page of a session; the only importer of Playwright. Nothing is overridden (`noDefaults`), so
 * that the page is afterwards as before. While connected, this is a client like any other, with the same effect on the
 * others: Playwright holds new pages until it has inspected them.
 *
 * @param signal - disconnects at once; a running step then rejects
 * @throws ServiceError `browser_unreachable`.
 */
export async function openStepPage(route: Route, signal: AbortSignal): Promise<StepPage> {
  const { chromium } = await import('playwright-core');
  const host = route.host.includes(':') ? `[${route.host}]` : route.host;
  let browser: Browser;
  try {
    signal.throwIfAborted();
    browser = await chromium.connectOverCDP(`ws://${host}:${route.port}${route.path}`, {
      noDefaults: true,
      // A folder that exists already: a new one would stay behind if this process is killed. Nothing is written to it.
      artifactsDir: tmpdir(),
      timeout: CONNECT_TIMEOUT_MS,
    });
  } catch (cause) {
    throw new ServiceError(
      'browser_unreachable',
      `The browser could not be reached: ${plainMessageOf(cause)}.`,
      {
        cause,
      },
    );
  }
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', onAbort);
    // With `connectOverCDP` this closes the connection only.
    await browser.close();
  };
  // The running step reports the error.
  const onAbort = (): void => void close().catch(() => undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const [context] = browser.contexts();
    const page = context?.pages()[0] ?? (await context?.newPage());
    if (page === undefined) throw new ServiceError('browser_unreachable', 'The browser has no page.');
    return { perform: step => perform(page, route, step), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Playwright's error message without the colour codes of its logs. */
export function plainMessageOf(thrown: unknown): string {
  return messageOf(thrown).replaceAll(/\u001b\[\d+m/g, '');
}

async function perform(page: Page, route: Route, step: RunStep): Promise<StepOutput> {
  switch (step.do) {
    case 'goto':
      await page.goto(step.url, { waitUntil: step.waitUntil, timeout: step.timeout });
      return null;
    case 'wait':
      await wait(page, step);
      return null;
    case 'click':
      await page.locator(step.selector).click({ timeout: step.timeout });
      return null;
    case 'type':
      await page.locator(step.selector).pressSequentially(step.text, { timeout: step.timeout });
      return null;
    case 'press':
      if (step.selector === undefined) await inTime(step, page.keyboard.press(step.key));
      else await page.locator(step.selector).press(step.key, { timeout: step.timeout });
      return null;
    case 'select':
      await page.locator(step.selector).selectOption([...step.values], { timeout: step.timeout });
      return null;
    case 'extract':
      return { value: await extract(page, step) };
    case 'screenshot':
      return { bytes: await picture(page, step), contentType: `image/${step.type}` };
    case 'pdf':
      return {
        bytes: await inTime(step, page.pdf({ printBackground: true })),
        contentType: 'application/pdf',
      };
    case 'cookies':
      // Over a raw connection like the routes: a cookie set this way stays after Playwright has disconnected.
      if (step.set === undefined) return { value: await readCookies(route) };
      await writeCookies(route, step.set);
      return null;
  }
}

type Of<Kind extends RunStep['do']> = Extract<RunStep, { do: Kind }>;

async function wait(page: Page, { selector, state, ms, url, timeout }: Of<'wait'>): Promise<void> {
  if (selector !== undefined) await page.locator(selector).first().waitFor({ state, timeout });
  else if (url !== undefined) await page.waitForURL(url, { timeout, waitUntil: 'commit' });
  else await page.waitForTimeout(ms ?? 0);
}

/* The members of an element that are read; the DOM types are not available here. */
interface Found {
  getAttribute(name: string): string | null;
  readonly innerHTML: string;
  /** Missing on elements that are not HTML, such as SVG. */
  readonly innerText?: string;
  readonly textContent: string | null;
}

async function extract(page: Page, step: Of<'extract'>): Promise<unknown> {
  const { all, attribute, take, timeout } = step;
  const found = page.locator(step.selector);
  if (all) return valuesOf(found, step);
  if (attribute !== undefined) return found.getAttribute(attribute, { timeout });
  return take === 'html' ? found.innerHTML({ timeout }) : found.innerText({ timeout });
}

/* In one call: a call for each of some thousand matches would block this process for many seconds. */
async function valuesOf(found: Locator, step: Of<'extract'>): Promise<(string | null)[]> {
  const { attribute = null, take = 'text' } = step;
  const reading = found.evaluateAll(
    (elements: readonly Found[], wanted) =>
      elements.map(element => {
        if (wanted.attribute !== null) return element.getAttribute(wanted.attribute);
        return wanted.take === 'html' ? element.innerHTML : (element.innerText ?? element.textContent);
      }),
    { attribute, take },
  );
  return inTime(step, reading);
}

/* For calls that Playwright would wait for without limit. */
async function inTime<T>(
  step: { readonly do: string; readonly timeout: number },
  work: Promise<T>,
): Promise<T> {
  return withDeadline(step.do, step.timeout, work);
}

async function picture(page: Page, { selector, fullPage, type, timeout }: Of<'screenshot'>): Promise<Buffer> {
  if (selector !== undefined) return page.locator(selector).screenshot({ type, timeout });
  return page.screenshot({ fullPage, type, timeout });
}
