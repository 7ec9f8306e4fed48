import { refusal, type FieldError } from './errors';

/**
 * What examples of other services give to `create`. The one list of what this client takes and does not send; the service
 * itself refuses these names, as it refuses all that it does not know.
 */
export interface ForeignOptions {
  /** Has no effect: every session speaks to Puppeteer and Playwright. Anything else is `not_supported`. */
  readonly adapter?: string;
  /** What other services show on their dashboards; has no effect. What asks for another way into the net is `not_supported`. */
  readonly lambdatestOptions?: Readonly<Record<string, unknown>>;
}

const NO_ADAPTER: FieldError = {
  pointer: '/adapter',
  message: 'is not offered: sessions speak to Puppeteer and Playwright',
};
const ADAPTERS: readonly unknown[] = [undefined, 'puppeteer', 'playwright'];

/* What decides which way a browser's traffic takes; in `lambdatestOptions`, or once more in what is nested there. */
const WAYS: readonly string[] = ['geoLocation', 'region', 'proxy', 'proxyUrl', 'tunnel', 'tunnelName'];
const NESTED = 'LT:Options';

/**
 * What is sent of the options of a create.
 *
 * @throws HoldfastError `not_supported` for a foreign option that asks for what nobody would do.
 */
export function withoutForeign<O extends ForeignOptions>(options: O): Omit<O, keyof ForeignOptions> {
  const { adapter, lambdatestOptions, ...own } = options;
  const inside = '/lambdatestOptions';
  const fields = [
    ...(ADAPTERS.includes(adapter) ? [] : [NO_ADAPTER]),
    ...waysIn(lambdatestOptions, inside),
    ...waysIn(lambdatestOptions?.[NESTED], `${inside}/${NESTED}`),
  ];
  if (fields.length > 0) throw refusal('not_supported', fields);
  return own;
}

function waysIn(options: unknown, inside: string): FieldError[] {
  const given = typeof options === 'object' && options !== null ? Object.entries(options) : [];
  return given
    .filter(
      ([name, value]) => WAYS.includes(name) && value !== undefined && value !== null && value !== false,
    )
    .map(([name]) => ({ pointer: `${inside}/${name}`, message: 'is not offered here; there is `proxy`' }));
}
