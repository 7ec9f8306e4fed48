import type { Browser, Page } from 'puppeteer';
import { DeadlineExceededError, pause, withDeadline } from '../core/abort';
import { ServiceError, messageOf } from '../core/errors';
import { CdpError, type CdpCall } from './cdp-call';
import { listCookies, putCookies } from './cookies';
import type { Route } from './dial';
import { firstTab } from './first-tab';
import { OneTabTransport } from './one-tab-transport';
import { act, hasMatch, type StepOutput } from './step-actions';
import type { RunStep } from './steps';

/** How long the browser may take to accept the connection and to show its page. */
const CONNECT_TIMEOUT_MS = 10_000;

/** How long a step with cookies may take; it has no limit of its own. */
const COOKIES_TIMEOUT_MS = 5_000;

/** What Puppeteer says when the page is gone; its events come a moment later. */
const IS_GONE = /\b(?:Target|Session|Connection) closed\b/;

/** How long to look for the reason why a step has taken too long. */
const EXPLAIN_TIMEOUT_MS = 500;

/** The first page of a live session, ready for steps. */
export interface StepPage {
  /**
   * Does one step.
   *
   * @throws ServiceError `browser_unreachable` if page or browser is gone; else an Error whose message says why the
   *   step failed, for the producer of the job.
   */
  perform(step: RunStep): Promise<StepOutput>;
  /**
   * Does something that is no step of a job.
   *
   * @throws as {@link StepPage.perform}.
   */
  act<T>(action: PageAction<T>): Promise<T>;
  /** Disconnects; the session and its pages stay as they are. */
  close(): void;
}

/** Something to do on a page, in a limited time. */
export interface PageAction<T> {
  /** A word for it in errors. */
  readonly name: string;
  readonly timeoutMs: number;
  /** The element that it is about, if there is one: errors say whether there was anything. */
  readonly selector?: string;
  /** @param signal - it is over: out of time, or the connection is gone */
  readonly work: (page: Page, signal: AbortSignal) => Promise<T>;
}

/**
 * Loads Puppeteer. Most installations never need it, and loading blocks the process for about half a second. So it is
 * loaded with the first job that has steps, before its session begins to count as idle.
 */
export async function loadStepLibrary(): Promise<void> {
  await import('puppeteer');
}

/**
 * Connects Puppeteer to the first page of a session. Pages keep their size and everything else; only while connected
 * the page counts as the one in front. Other pages, and the session's other clients, do not notice it.
 *
 * @param signal - disconnects at once; a running step then rejects
 * @throws ServiceError `browser_unreachable`.
 */
export async function openStepPage(route: Route, signal: AbortSignal): Promise<StepPage> {
  const over = new AbortController();
  const onAbort = (): void => over.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const close = (): void => {
    signal.removeEventListener('abort', onAbort);
    over.abort(gone('the connection has been closed'));
  };
  try {
    signal.throwIfAborted();
    const { browser, page } = await withDeadline(
      'the connection',
      CONNECT_TIMEOUT_MS,
      attach(route, over.signal),
    );
    browser.once('disconnected', () => over.abort(gone('the browser has closed the connection')));
    page.once('close', () => over.abort(gone('the page has been closed')));
    page.once('error', () => over.abort(gone('the page has crashed')));
    const call = await cdpOf(browser);
    const connected = { page, call, over: over.signal };
    return {
      perform: step => perform(connected, step),
      act: action => attempt(connected, action),
      close,
    };
  } catch (cause) {
    close();
    const reason = reasonOf(cause).replace(/\.$/, '');
    throw new ServiceError('browser_unreachable', `The browser could not be reached: ${reason}.`, { cause });
  }
}

interface Attached {
  readonly browser: Browser;
  readonly page: Page;
}

/** @param over - ends the connection, and with it every call that waits for an answer */
async function attach(route: Route, over: AbortSignal): Promise<Attached> {
  const { connect } = await import('puppeteer');
  const transport = await OneTabTransport.open(route, await firstTab(route), over);
  const browser = await connect({
    transport,
    defaultViewport: null,
    // Nothing here reads requests or issues, and a busy page reports thousands.
    networkEnabled: false,
    issuesEnabled: false,
    // Steps have limits of their own.
    protocolTimeout: 0,
  });
  const [page] = await browser.pages();
  if (page === undefined) throw gone('the page has been closed');
  // Otherwise a dialog stops the page, and every step with it.
  page.on('dialog', dialog => void dialog.dismiss().catch(() => undefined));
  // A page behind another one draws nothing, and waits for that with most of its work.
  await page.emulateFocusedPage(true);
  return { browser, page };
}

interface Connected {
  readonly page: Page;
  readonly call: CdpCall;
  readonly over: AbortSignal;
}

async function perform(connected: Connected, step: RunStep): Promise<StepOutput> {
  const { call, over } = connected;
  if (step.do === 'cookies')
    return attempt(connected, {
      ...{ name: step.do, timeoutMs: COOKIES_TIMEOUT_MS },
      work: () => cookies(call, step),
    });
  if (step.do === 'wait' && step.ms !== undefined) {
    over.throwIfAborted();
    await pause(step.ms, over);
    over.throwIfAborted();
    return null;
  }
  return attempt(connected, {
    ...{ name: step.do, timeoutMs: step.timeout },
    ...('selector' in step && step.selector !== undefined ? { selector: step.selector } : {}),
    work: (page, signal) => act(page, step, signal),
  });
}

async function attempt<T>({ page, over }: Connected, action: PageAction<T>): Promise<T> {
  const { name, timeoutMs, work } = action;
  const late = new AbortController();
  try {
    over.throwIfAborted();
    const signal = AbortSignal.any([over, late.signal]);
    return await withDeadline(name, timeoutMs, work(page, signal));
  } catch (error) {
    over.throwIfAborted();
    late.abort();
    if (IS_GONE.test(reasonOf(error))) throw gone('the page has been closed');
    throw await explained(page, action, error, over);
  }
}

async function cookies(call: CdpCall, step: Extract<RunStep, { do: 'cookies' }>): Promise<StepOutput> {
  if (step.set === undefined) return { value: await listCookies(call) };
  await putCookies(call, step.set);
  return null;
}

/* On the browser itself, as the routes for cookies do it: what is set that way stays. */
async function cdpOf(browser: Browser): Promise<CdpCall> {
  const session = await browser.target().createCDPSession();
  const { ProtocolError } = await import('puppeteer');
  return async (method, params) => {
    try {
      // SAFETY: callers use commands that the protocol has; what they answer is parsed.
      return await session.send(method as 'Storage.getCookies', params);
    } catch (cause) {
      throw cause instanceof ProtocolError ? new CdpError(cause.message, { cause }) : cause;
    }
  };
}

async function explained(
  page: Page,
  { selector }: Pick<PageAction<unknown>, 'selector'>,
  error: unknown,
  over: AbortSignal,
): Promise<Error> {
  const reason = reasonOf(error);
  if (!(error instanceof DeadlineExceededError) || selector === undefined)
    return new Error(reason, { cause: error });
  const found = await withDeadline('the reason', EXPLAIN_TIMEOUT_MS, hasMatch(page, selector, over)).then(
    isThere => `${isThere ? 'something' : 'nothing'} matches ${selector}`,
    () => 'the page does not answer',
  );
  return new Error(`${reason}; ${found}`, { cause: error });
}

/** The message of an error and of those that have caused it: Puppeteer's own says little. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? reasonOf(thrown.cause) : '';
  return cause === '' ? messageOf(thrown) : `${messageOf(thrown)}: ${cause}`;
}

const gone = (why: string): ServiceError => new ServiceError('browser_unreachable', `The steps end: ${why}.`);
