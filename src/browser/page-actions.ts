import type { Page } from 'puppeteer';
import { imagesIn, isChecked, scrollVertically, textOf, type PageImage } from './page-functions';
import { hasMatch, onMatch, untilThere } from './step-actions';

/* What other systems let their clients do on a page, beside the steps of jobs. */

/** Replaces what is in a field. */
export async function fill(page: Page, selector: string, text: string, signal: AbortSignal): Promise<void> {
  await untilThere(page, selector, signal);
  await page.locator(selector).setTimeout(0).fill(text, { signal });
}

/** Checks or unchecks a box by a click, if it is not so already. */
export async function setChecked(
  page: Page,
  selector: string,
  wanted: boolean,
  signal: AbortSignal,
): Promise<void> {
  const read = (): Promise<boolean> => onMatch(page, selector, signal, match => match.evaluate(isChecked));
  if ((await read()) === wanted) return;
  await page.locator(selector).setTimeout(0).click({ signal });
  if ((await read()) !== wanted) throw new Error('The click did not change it.');
}

/**
 * Scrolls the document.
 *
 * @param pixels - CSS pixels; null: 70 % of the height of the viewport
 * @throws if there is nothing to scroll to.
 */
export async function scroll(page: Page, direction: 'up' | 'down', pixels: number | null): Promise<void> {
  const hasMoved = await page.evaluate(scrollVertically, direction === 'up' ? -1 : 1, pixels);
  if (!hasMoved) throw new Error(`The page cannot be scrolled ${direction} any further.`);
}

/** Goes through the history of the page. @throws if there is no page to go to. */
export async function travel(page: Page, where: 'back' | 'forward' | 'reload'): Promise<void> {
  const options = { waitUntil: 'load', timeout: 0 } as const;
  if (where === 'reload') await page.reload(options);
  else if (where === 'back') await page.goBack(options);
  else await page.goForward(options);
}

/** The text of an element as it is shown. @param selectors - the first of them that matches something counts */
export async function readText(
  page: Page,
  selectors: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const selector = await firstMatching(page, selectors, signal);
  return onMatch(page, selector, signal, match => match.evaluate(textOf));
}

/** The images in an element. @param selectors - the first of them that matches something counts */
export async function readImages(
  page: Page,
  selectors: readonly string[],
  signal: AbortSignal,
): Promise<PageImage[]> {
  const selector = await firstMatching(page, selectors, signal);
  return onMatch(page, selector, signal, match => match.evaluate(imagesIn));
}

/* The last one if none does: it is waited for. */
async function firstMatching(page: Page, selectors: readonly string[], signal: AbortSignal): Promise<string> {
  for (const selector of selectors) if (await hasMatch(page, selector, signal)) return selector;
  return selectors.at(-1) ?? 'body';
}
