import { refusal, type FieldError } from './errors';

/**
 * Options of `create` in examples of other services. The complete list of options that this client accepts and does not
 * send; the service itself refuses these names, like all unknown ones.
 */
export interface ForeignOptions {
  /** Has no effect: every session works with Puppeteer and Playwright. Any other value is `not_supported`. */
  readonly adapter?: string;
  /**
   * Metadata for dashboards of other services; has no effect. Members that ask for another network route are
   * `not_supported`.
   */
  readonly lambdatestOptions?: Readonly<Record<string, unknown>>;
}

const NO_ADAPTER: FieldError = {
  pointer: '/adapter',
  message: 'is not supported: sessions work with Puppeteer and Playwright',
};
const ADAPTERS: readonly unknown[] = [undefined, 'puppeteer', 'playwright'];

/* Members that choose the network route of a browser; in `lambdatestOptions`, or in an object nested there. */
const ROUTE_OPTIONS: readonly string[] = [
  'geoLocation',
  'region',
  'proxy',
  'proxyUrl',
  'tunnel',
  'tunnelName',
];
const NESTED = 'LT:Options';

/**
 * The options of a create without foreign ones.
 *
 * @throws HoldfastError `not_supported` for a foreign option that would have an effect.
 */
export function withoutForeign<O extends ForeignOptions>(options: O): Omit<O, keyof ForeignOptions> {
  const { adapter, lambdatestOptions, ...own } = options;
  const inside = '/lambdatestOptions';
  const fields = [
    ...(ADAPTERS.includes(adapter) ? [] : [NO_ADAPTER]),
    ...routeOptionsIn(lambdatestOptions, inside),
    ...routeOptionsIn(lambdatestOptions?.[NESTED], `${inside}/${NESTED}`),
  ];
  if (fields.length > 0) throw refusal('not_supported', fields);
  return own;
}

function routeOptionsIn(options: unknown, inside: string): FieldError[] {
  const given = typeof options === 'object' && options !== null ? Object.entries(options) : [];
  return given
    .filter(
      ([name, value]) =>
        ROUTE_OPTIONS.includes(name) && value !== undefined && value !== null && value !== false,
    )
    .map(([name]) => ({
      pointer: `${inside}/${name}`,
      message: 'is not supported here: use the option `proxy`',
    }));
}
