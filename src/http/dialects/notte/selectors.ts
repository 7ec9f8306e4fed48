import { z } from 'zod';
import { invalidFields } from '../../../core/check-fields';
import { notSupported } from './errors';

const part = z.string().nullish();

/** How an element is named: a text in Playwright's syntax, or the object that Python's client makes of it. */
export const notteSelector = z.union([
  z.string().min(1),
  z.looseObject({
    playwright_selector: part,
    css_selector: part,
    xpath_selector: part,
    in_iframe: z.boolean().nullish(),
  }),
]);

/* What Playwright's engines are called here; the rest is matched as it is. */
const ENGINES: readonly (readonly [pattern: RegExp, selector: (found: string) => string])[] = [
  [/^css=([^]+)$/, css => css],
  [/^xpath=([^]+)$/, xpath => `xpath/${xpath}`],
  [/^(\(*\/\/[^]+)$/, xpath => `xpath/${xpath}`],
  [/^internal:text="([^"]+)"[is]?$/, text => `text/${text}`],
  [/^text="?([^"]+)"?$/, text => `text/${text}`],
  [/^~([^]+)$/, text => `text/${text.trim()}`],
];

/* `role=button`, `internal:label=…` and the like. */
const OTHER_ENGINE = /^(?:internal:)?[a-z-]+=/;

/**
 * A selector of Notte's clients → one of Puppeteer.
 *
 * @throws ServiceError `not_supported` for Playwright's other engines and elements in frames, `invalid_request` for an
 *   empty one.
 */
export function puppeteerSelector(selector: z.output<typeof notteSelector>): string {
  if (typeof selector === 'string') return ofPlaywright(selector.trim());
  if (selector.in_iframe === true) throw notSupported('An element in a frame');
  const { playwright_selector: playwright, css_selector: css, xpath_selector: xpath } = selector;
  if ((playwright ?? '') !== '') return ofPlaywright(playwright ?? '');
  if ((css ?? '') !== '') return css ?? '';
  if ((xpath ?? '') !== '') return `xpath/${xpath ?? ''}`;
  const message = 'must have a css_selector, an xpath_selector or a playwright_selector';
  throw invalidFields([{ pointer: '/selector', message }]);
}

function ofPlaywright(selector: string): string {
  for (const [pattern, selectorOf] of ENGINES) {
    const found = pattern.exec(selector)?.[1];
    if (found !== undefined) return selectorOf(found);
  }
  if (OTHER_ENGINE.test(selector))
    throw notSupported(`The selector ${JSON.stringify(selector.slice(0, 100))}`);
  return selector;
}
