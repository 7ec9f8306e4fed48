import type { ElementHandle, JSHandle, KeyInput, Page, PuppeteerLifeCycleEvent } from 'puppeteer';
import { pollUntil } from '../core/abort';
import { messageOf } from '../core/errors';
import { keysOf } from './key-combination';
import {
  focusAtEnd,
  queryAll,
  valueOf,
  valuesOf,
  valuesOfOptions,
  type PageElement,
  type Wanted,
} from './page-functions';
import type { RunStep } from './steps';
import { urlMatches } from './url-glob';

/** The output of a step: JSON, or a document; null: none. */
export type StepOutput =
  { readonly value: unknown } | { readonly bytes: Buffer; readonly contentType: string } | null;

type Of<Kind extends RunStep['do']> = Extract<RunStep, { do: Kind }>;

/** A step that acts on the page. */
export type PageStep = Exclude<RunStep, { do: 'cookies' }>;

/** How often to look where Puppeteer has no event. */
const LOOK_EVERY_MS = 100;

/** The whole step has a time limit, and its signal carries it to Puppeteer. */
const WITHOUT_LIMIT = { timeout: 0 };

/** In Puppeteer's words; with none of them it waits only until the new document is there. */
const LIFECYCLE: Readonly<Record<Of<'goto'>['waitUntil'], PuppeteerLifeCycleEvent[]>> = {
  load: ['load'],
  domcontentloaded: ['domcontentloaded'],
  networkidle: ['networkidle0'],
  commit: [],
};

/** How Puppeteer and Chromium say that an element's document has been replaced by another one. */
const DOCUMENT_IS_GONE =
  /context was destroyed|Cannot find context|not available in detached frame|only in the context they were created|target navigated/i;

/**
 * Does one step on a page.
 *
 * @param signal - the step is over: it has run out of time, or the connection is gone
 */
export async function act(page: Page, step: PageStep, signal: AbortSignal): Promise<StepOutput> {
  switch (step.do) {
    case 'goto':
      await page.goto(step.url, { waitUntil: LIFECYCLE[step.waitUntil], ...WITHOUT_LIMIT });
      return null;
    case 'wait':
      await wait(page, step, signal);
      return null;
    case 'click':
      await untilThere(page, step.selector, signal);
      await page.locator(step.selector).setTimeout(0).click({ signal });
      return null;
    case 'type':
      await onMatch(page, step.selector, signal, match => match.evaluate(focusAtEnd));
      await page.keyboard.type(step.text);
      return null;
    case 'press':
      if (step.selector !== undefined) await onMatch(page, step.selector, signal, match => match.focus());
      await press(page, step.key);
      return null;
    case 'select':
      await select(page, step, signal);
      return null;
    case 'extract':
      return { value: await extract(page, step, signal) };
    case 'screenshot':
      return { bytes: await picture(page, step, signal), contentType: `image/${step.type}` };
    case 'pdf':
      return {
        bytes: Buffer.from(await page.pdf({ printBackground: true, ...WITHOUT_LIMIT })),
        contentType: 'application/pdf',
      };
  }
}

/** Whether something matches a selector now. @throws if the selector is invalid. */
export async function hasMatch(page: Page, selector: string, signal: AbortSignal): Promise<boolean> {
  return acrossDocuments(signal, async () => (await page.$(selector)) !== null);
}

async function wait(page: Page, step: Of<'wait'>, signal: AbortSignal): Promise<void> {
  const { selector, state, url } = step;
  if (url !== undefined) return untilUrl(page, url, step.timeout, signal);
  if (selector === undefined) return; // only milliseconds: needs no page
  if (state === 'attached') return untilThere(page, selector, signal);
  if (state === 'detached') return untilDetached(page, selector, step.timeout, signal);
  await hasMatch(page, selector, signal); // the waiting would not fail if the selector is invalid
  await page.waitForSelector(selector, { [state]: true, signal, ...WITHOUT_LIMIT });
}

async function untilUrl(page: Page, pattern: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
  let seen = '';
  await pollUntil('the URL', { timeoutMs, everyMs: LOOK_EVERY_MS, signal }, () => {
    if (page.url() === seen) return undefined;
    seen = page.url();
    return urlMatches(pattern, seen) ? true : undefined;
  });
}

async function untilDetached(
  page: Page,
  selector: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  await pollUntil('the element', { timeoutMs, everyMs: LOOK_EVERY_MS, signal }, async () =>
    (await hasMatch(page, selector, signal)) ? undefined : true,
  );
}

/** The first match, as soon as there is one. @throws at once if the selector is invalid. */
async function find(page: Page, selector: string, signal: AbortSignal): Promise<ElementHandle> {
  // Puppeteer's waiting, in locators too, takes an invalid selector for one that matches nothing yet.
  const now = await page.$(selector);
  if (now !== null) return now;
  const later = await page.waitForSelector(selector, { signal, ...WITHOUT_LIMIT });
  if (later === null) throw new Error(`Nothing matches ${selector}.`);
  return later;
}

/** Does something with the first match, as soon as there is one. */
export async function onMatch<T>(
  page: Page,
  selector: string,
  signal: AbortSignal,
  work: (match: ElementHandle) => Promise<T>,
): Promise<T> {
  return acrossDocuments(signal, async () => work(await find(page, selector, signal)));
}

/** Repeats what has failed because the page got another document meanwhile. */
async function acrossDocuments<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !DOCUMENT_IS_GONE.test(messageOf(error))) throw error;
    }
  }
}

/** Waits for the first match. @throws at once if the selector is invalid. */
export const untilThere = (page: Page, selector: string, signal: AbortSignal): Promise<void> =>
  onMatch(page, selector, signal, () => Promise.resolve());

async function press({ keyboard }: Page, combination: string): Promise<void> {
  // SAFETY: Puppeteer checks the names itself.
  const keys = keysOf(combination) as KeyInput[];
  const held = keys.splice(0, keys.length - 1);
  const down: KeyInput[] = [];
  try {
    for (const key of held) {
      await keyboard.down(key);
      down.unshift(key);
    }
    for (const key of keys) await keyboard.press(key);
  } finally {
    for (const key of down) await keyboard.up(key);
  }
}

async function select(page: Page, step: Of<'select'>, signal: AbortSignal): Promise<void> {
  const { selector, values, timeout: timeoutMs } = step;
  await pollUntil('the options', { timeoutMs, everyMs: LOOK_EVERY_MS, signal }, () =>
    onMatch(page, selector, signal, async match => {
      const options = await match.evaluate(valuesOfOptions, values);
      return options === null ? undefined : await match.select(...options);
    }),
  );
}

async function extract(page: Page, step: Of<'extract'>, signal: AbortSignal): Promise<unknown> {
  const { all, selector, attribute = null, take = 'text' } = step;
  if (all) return acrossDocuments(signal, () => valuesOfAll(page, selector, { attribute, take }));
  return onMatch(page, selector, signal, match => match.evaluate(valueOf, { attribute, take }));
}

/*
 * Of CSS in two calls, however many match: Puppeteer's own way makes a handle for each, which takes a millisecond and
 * for some ten thousand of them holds up this process.
 */
async function valuesOfAll(page: Page, selector: string, wanted: Wanted): Promise<(string | null)[]> {
  const found: JSHandle<PageElement[] | null> = await page.evaluateHandle(queryAll, selector);
  const values = await found.evaluate(valuesOf, wanted);
  return values ?? (await page.$$eval(selector, valuesOf, wanted)) ?? [];
}

async function picture(page: Page, step: Of<'screenshot'>, signal: AbortSignal): Promise<Buffer> {
  const { selector, fullPage, type } = step;
  // Chromium draws no page that is behind another one; its picture may never come.
  await page.bringToFront();
  if (selector === undefined) return Buffer.from(await page.screenshot({ fullPage, type }));
  await untilThere(page, selector, signal);
  const visible = page.locator(selector).setTimeout(0).setVisibility('visible');
  // SAFETY: what a selector finds is an element; without the types of the DOM the compiler cannot tell.
  const match = (await visible.waitHandle({ signal })) as ElementHandle;
  return Buffer.from(await match.screenshot({ type }));
}
