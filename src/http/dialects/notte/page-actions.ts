import { z } from 'zod';
import { fill, readImages, readText, scroll, setChecked, travel } from '../../../browser/page-actions';
import type { StepPage } from '../../../browser/run-steps';
import { step, type RunStep } from '../../../browser/steps';
import { checkFields, invalidFields } from '../../../core/check-fields';
import { notSupported } from './errors';
import { notteSelector, puppeteerSelector } from './selectors';

/** Notte's own limit of an action on an element, and what it makes of a limit of 0. */
const ACTION_TIMEOUT_MS = 15_000;
const ACTION_TIMEOUT_MAX_MS = 300_000;
const NAVIGATION_TIMEOUT_MS = 30_000;
const WAIT_MAX_MS = 30_000;
const SCROLL_TIMEOUT_MS = 5_000;

/* What it takes for the content of a page without navigation and the like, the first that there is. */
const MAIN_CONTENT = ['main', '[role=main]', 'article', 'body'];

/** Data that is read from a page, in Notte's form. */
export interface NotteData {
  readonly markdown: string;
  readonly images: readonly { readonly url: string; readonly description: string | null }[] | null;
  readonly structured: null;
}

/** An action that can be done: how, and what is said after it. */
export interface PageAction {
  readonly message: string;
  readonly run: (page: StepPage) => Promise<NotteData | null>;
}

const text = z.string();
const onElement = {
  selector: notteSelector.nullish(),
  id: text.nullish(),
  press_enter: z.boolean().nullish(),
  timeout: z.int().min(0).max(ACTION_TIMEOUT_MAX_MS).default(ACTION_TIMEOUT_MS),
};
const amount = z.int().min(0).nullish();

/** The body of `POST /sessions/{id}/page/scrape`, and the action of the same name. */
const scrapeBody = z.looseObject({
  selector: text.nullish(),
  only_main_content: z.boolean().nullish(),
  only_images: z.boolean().nullish(),
  scrape_images: z.boolean().nullish(),
  ignored_tags: z.array(text).nullish(),
  instructions: text.nullish(),
  response_format: z.unknown().optional(),
});

/* The actions that need no language model, no mailbox and no second tab. */
const action = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('goto'), url: text }),
  z.looseObject({ type: z.literal('go_back') }),
  z.looseObject({ type: z.literal('go_forward') }),
  z.looseObject({ type: z.literal('reload') }),
  z.looseObject({ type: z.literal('wait'), time_ms: z.int().min(0).max(WAIT_MAX_MS) }),
  z.looseObject({ type: z.literal('press_key'), key: text.min(1).max(64) }),
  z.looseObject({ type: z.literal('scroll_up'), amount }),
  z.looseObject({ type: z.literal('scroll_down'), amount }),
  z.looseObject({ type: z.literal('click'), ...onElement }),
  z.looseObject({
    ...{ type: z.literal('fill'), ...onElement },
    value: text,
    clear_before_fill: z.boolean().default(true),
  }),
  z.looseObject({ type: z.literal('fallback_fill'), ...onElement, value: text }),
  z.looseObject({ type: z.literal('multi_factor_fill'), ...onElement, value: text }),
  z.looseObject({ type: z.literal('check'), ...onElement, value: z.boolean() }),
  z.looseObject({ type: z.literal('select_dropdown_option'), ...onElement, value: text }),
  scrapeBody.extend({ type: z.literal('scrape') }),
]);

type Action = z.output<typeof action>;
type ElementAction = Extract<Action, { timeout: number }>;

/* Notte's other actions. */
const NOT_HAD: readonly string[] = [
  'form_fill',
  'goto_new_tab',
  'close_tab',
  'switch_tab',
  'captcha_solve',
  'help',
  'completion',
  'email_read',
  'sms_read',
  'evaluate_js',
  'upload_file',
  'download_file',
];

/**
 * The body of `POST /sessions/{id}/page/execute`.
 *
 * @throws ServiceError `invalid_request`, `not_supported`.
 */
export function pageAction(body: unknown): PageAction {
  const { type } = checkFields(z.looseObject({ type: z.string() }), body);
  if (NOT_HAD.includes(type)) throw notSupported(`The action ${type}`);
  const given = checkFields(action, body);
  switch (given.type) {
    case 'goto':
      return ofStep({ do: 'goto', url: absolute(given.url) }, `Navigated to ${given.url}`);
    case 'go_back':
      return navigation('back', 'Navigated back');
    case 'go_forward':
      return navigation('forward', 'Navigated forward');
    case 'reload':
      return navigation('reload', 'Reloaded the page');
    case 'wait':
      return ofStep({ do: 'wait', ms: given.time_ms }, `Waited for ${given.time_ms} milliseconds`);
    case 'press_key':
      return ofStep({ do: 'press', key: given.key }, `Pressed ${given.key}`);
    case 'scroll_up':
      return scrolling('up', given.amount ?? null);
    case 'scroll_down':
      return scrolling('down', given.amount ?? null);
    case 'scrape':
      return { message: 'Scraped the page', run: scraper(given) };
    default:
      return elementAction(given);
  }
}

/**
 * The body of `POST /sessions/{id}/page/scrape`: the text of the page, or its images.
 *
 * @throws ServiceError `invalid_request`, `not_supported` for what needs a language model.
 */
export const scrapeOf = (body: unknown): ((page: StepPage) => Promise<NotteData>) =>
  scraper(checkFields(scrapeBody, body));

function elementAction(given: ElementAction): PageAction {
  const selector = selectorOf(given);
  const timeout = given.timeout === 0 ? ACTION_TIMEOUT_MS : given.timeout;
  const act = elementWork(given, selector, timeout);
  if (given.press_enter !== true) return act;
  const enter = ofStep({ do: 'press', key: 'Enter' }, '');
  return {
    message: `${act.message}, and pressed Enter`,
    run: async page => {
      await act.run(page);
      return enter.run(page);
    },
  };
}

function elementWork(given: ElementAction, selector: string, timeout: number): PageAction {
  const element = { selector, timeout };
  switch (given.type) {
    case 'click':
      return ofStep({ do: 'click', ...element }, `Clicked on ${selector}`);
    case 'fill':
      if (!given.clear_before_fill) return typing(element, given.value);
      return {
        message: `Filled ${selector}`,
        run: onPage({ name: 'fill', selector, timeoutMs: timeout }, (page, signal) =>
          fill(page, selector, given.value, signal),
        ),
      };
    case 'fallback_fill':
    case 'multi_factor_fill':
      return typing(element, given.value);
    case 'check':
      return {
        message: `${given.value ? 'Checked' : 'Unchecked'} ${selector}`,
        run: onPage({ name: 'check', selector, timeoutMs: timeout }, (page, signal) =>
          setChecked(page, selector, given.value, signal),
        ),
      };
    case 'select_dropdown_option':
      return ofStep({ do: 'select', ...element, values: [given.value] }, `Selected an option of ${selector}`);
  }
}

const typing = (element: { selector: string; timeout: number }, value: string): PageAction =>
  ofStep({ do: 'type', ...element, text: value }, `Typed into ${element.selector}`);

/* By the checks of the steps of jobs. */
function ofStep(body: object, message: string): PageAction {
  const checked: RunStep = checkFields(step, body);
  return {
    message,
    run: async page => {
      await page.perform(checked);
      return null;
    },
  };
}

const navigation = (where: Parameters<typeof travel>[1], message: string): PageAction => ({
  message,
  run: onPage({ name: where, timeoutMs: NAVIGATION_TIMEOUT_MS }, page => travel(page, where)),
});

const scrolling = (direction: 'up' | 'down', pixels: number | null): PageAction => ({
  message: `Scrolled ${direction}`,
  run: onPage({ name: 'scroll', timeoutMs: SCROLL_TIMEOUT_MS }, page => scroll(page, direction, pixels)),
});

type Work = Parameters<StepPage['act']>[0];

const onPage =
  (about: Omit<Work, 'work'>, work: Work['work']): PageAction['run'] =>
  async page => {
    await page.act({ ...about, work });
    return null;
  };

function scraper(given: z.output<typeof scrapeBody>): (page: StepPage) => Promise<NotteData> {
  const { instructions = null, response_format: format = null, ignored_tags: ignored } = given;
  if (instructions !== null || format !== null)
    throw notSupported('Scraping with instructions or a response_format, which needs a language model,');
  if (ignored !== null && ignored !== undefined && ignored.length > 0) throw notSupported('ignored_tags');
  const { selector = null, only_main_content: onlyMain, only_images: onlyImages } = given;
  const content = onlyMain === true ? MAIN_CONTENT : ['body'];
  const places = selector === null ? content : [puppeteerSelector(selector)];
  const wantsImages = onlyImages === true || given.scrape_images === true;
  return page =>
    page.act({
      ...{ name: 'scrape', timeoutMs: ACTION_TIMEOUT_MS },
      work: async (tab, signal) => ({
        markdown: onlyImages === true ? '' : await readText(tab, places, signal),
        images: wantsImages ? await readImages(tab, places, signal) : null,
        structured: null,
      }),
    });
}

/* Ids are made by `observe`. */
function selectorOf({ selector = null, id }: ElementAction): string {
  if (selector !== null) return puppeteerSelector(selector);
  if ((id ?? '') !== '')
    throw notSupported('The id of an element, which comes from observe,', 'Use a selector.');
  throw invalidFields([
    { pointer: '/selector', message: 'Invalid input: expected string, received undefined' },
  ]);
}

/* As people write addresses. */
const absolute = (url: string): string => (/^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `https://${url}`);
