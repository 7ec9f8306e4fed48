import { z } from 'zod';
import { newCookie } from './cookies';

/* The steps that a job may run in a session. Strict: with a misspelt field a step would do something else. */

/** How many steps one job may have. */
const STEPS_MAX = 100;

/** How long a step may take by default, milliseconds. */
const STEP_TIMEOUT_DEFAULT_MS = 30_000;

const STEP_TIMEOUT_MAX_MS = 300_000;
const COOKIES_MAX = 500;

/* What people know from Playwright and Puppeteer does not have. No CSS selector begins like this either. */
const NOT_OF_PUPPETEER = /^\s*(?:\/\/|(?!(?:text|aria|xpath|pierce)=)[\w:-]+=)/;

const selector = z
  .string()
  .min(1)
  .max(2_000)
  .refine(
    text => !NOT_OF_PUPPETEER.test(text),
    'must be CSS or a selector of Puppeteer, such as text/…, aria/… or xpath/…',
  )
  .describe('A CSS selector, or one of Puppeteer (`text/…`, `aria/…`, `xpath/…`). The first match counts.');
const timeout = z
  .int()
  .min(1)
  .max(STEP_TIMEOUT_MAX_MS)
  .default(STEP_TIMEOUT_DEFAULT_MS)
  .describe('How long the step may take, in milliseconds.');
const name = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must have 1 to 64 characters: letters, digits, "_", ".", "-"')
  .exactOptional()
  .describe('The name of the output in the result.');

const webUrl = z
  .string()
  .max(8_192)
  .refine(
    text => /^(https?:\/\/|data:|about:blank$)/i.test(text),
    'must begin with http://, https:// or data:',
  );

const goto = z.strictObject({
  do: z.literal('goto'),
  url: webUrl,
  waitUntil: z.enum(['load', 'domcontentloaded', 'networkidle', 'commit']).default('load'),
  timeout,
});
const wait = z
  .strictObject({
    do: z.literal('wait'),
    selector: selector.exactOptional(),
    state: z.enum(['visible', 'hidden', 'attached', 'detached']).default('visible'),
    ms: z.int().min(0).max(STEP_TIMEOUT_MAX_MS).exactOptional().describe('Milliseconds.'),
    url: z
      .string()
      .min(1)
      .max(8_192)
      .exactOptional()
      .describe('Waits until the URL of the page matches this glob, such as `**/done`.'),
    timeout,
  })
  .refine(
    given => [given.selector, given.ms, given.url].filter(one => one !== undefined).length === 1,
    'needs exactly one of selector, ms and url',
  );
const click = z.strictObject({ do: z.literal('click'), selector, timeout });
const type = z.strictObject({
  do: z.literal('type'),
  selector,
  text: z.string().max(10_000).describe('Typed key by key after the existing text.'),
  timeout,
});
const press = z.strictObject({
  do: z.literal('press'),
  key: z.string().min(1).max(64).describe('A key such as `Enter` or `Control+A`.'),
  selector: selector
    .exactOptional()
    .describe('The element that gets the key. Default: the element that has the focus.'),
  timeout,
});
const select = z.strictObject({
  do: z.literal('select'),
  selector,
  values: z
    .array(z.string().max(1_000))
    .min(1)
    .max(100)
    .describe('Values or labels of the options to select.'),
  timeout,
});
const extract = z
  .strictObject({
    do: z.literal('extract'),
    selector,
    take: z.enum(['text', 'html']).exactOptional().describe('Default: `text`.'),
    attribute: z
      .string()
      .min(1)
      .max(200)
      .exactOptional()
      .describe('The value of this attribute instead of the text. Null if the element does not have it.'),
    all: z
      .boolean()
      .default(false)
      .describe('True: an array with one value for each match. It may be empty.'),
    name,
    timeout,
  })
  .refine(
    given => given.take === undefined || given.attribute === undefined,
    'take and attribute exclude each other',
  );
const screenshot = z
  .strictObject({
    do: z.literal('screenshot'),
    selector: selector.exactOptional().describe('Only this element. Default: the visible part of the page.'),
    fullPage: z.boolean().default(false),
    type: z.enum(['png', 'jpeg']).default('png'),
    name,
    timeout,
  })
  .refine(
    given => given.selector === undefined || !given.fullPage,
    'selector and fullPage exclude each other',
  );
const pdf = z.strictObject({ do: z.literal('pdf'), name, timeout });
const cookies = z.strictObject({
  do: z.literal('cookies'),
  set: z
    .array(newCookie)
    .max(COOKIES_MAX)
    .exactOptional()
    .describe('Cookies to set. Default: outputs all cookies of the browser.'),
  name,
});

/** One step. None runs a script: for that, connect as a client. */
export const step = z.discriminatedUnion(
  'do',
  [goto, wait, click, type, press, select, extract, screenshot, pdf, cookies],
  {
    error: 'must be one of goto, wait, click, type, press, select, extract, screenshot, pdf, cookies',
  },
);

/** The steps of a job, in order. */
export const steps = z.array(step).min(1).max(STEPS_MAX, `must be at most ${STEPS_MAX}`);

/** @see step */
export type RunStep = z.output<typeof step>;
