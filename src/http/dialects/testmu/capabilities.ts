import { z } from 'zod';
import { checkFields, invalidFields } from '../../../core/check-fields';
import { ServiceError } from '../../../core/errors';
import type { TimeoutPolicy } from '../../../contract/schemas';

/** What its documentation promises where a client says nothing. */
const TIMEOUT_DEFAULT_MS = 300_000;
const IDLE_DEFAULT_SECONDS = 900;

/** Longest name and label here; theirs are only shown, so longer ones are cut. */
const TEXT_MAX = 128;

const PLACE = { root: 'query/capabilities', whole: 'query/capabilities' };

/* A name, of a build perhaps a number. */
const text = z.union([z.string(), z.number()]).nullish().transform(shownText);

const proxy = z.union([
  z.string(),
  z.object({ server: z.string(), username: z.string().optional(), password: z.string().optional() }),
]);

const options = z.looseObject({
  name: text,
  build: text,
  project: text,
  resolution: z
    .string()
    .regex(/^\d{1,5}x\d{1,5}$/, 'must be WIDTHxHEIGHT, such as 1920x1080')
    .nullish(),
  headless: z.boolean().nullish(),
  proxy: proxy.nullish(),
  proxyUrl: z.string().nullish(),
  timeout: z.number().nullish(),
  idleTimeout: z.number().nullish(),
});

const capabilitiesSchema = z.looseObject({
  browserName: z.string().nullish(),
  'LT:Options': options.default(() => options.parse({})),
});

/** Options that would change how the browser reaches the network, or what is in it. */
const REFUSED: readonly string[] = [
  'tunnel',
  'tunnelName',
  'geoLocation',
  'dedicatedProxy',
  'fixedIP',
  'lambda:loadExtension',
];

/**
 * The `capabilities` of a connection, not yet checked.
 *
 * @throws ServiceError `invalid_request` if they are missing or no JSON object. What they are is not repeated, since it
 *   may contain the access key.
 */
export function readCapabilities({ searchParams }: URL): object {
  const given = searchParams.getAll('capabilities');
  if (given.length !== 1)
    throw invalid(
      'must be given once: a JSON object, URL-encoded, such as %7B%22browserName%22:%22Chrome%22%7D',
    );
  const parsed = parse(given[0] ?? '');
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw invalid('must be a JSON object, URL-encoded');
  return parsed;
}

/**
 * Capabilities → the body of `POST /v1/sessions`.
 *
 * @throws ServiceError `invalid_request` or `not_supported`, naming every field.
 */
export function nativeCreateBody(capabilities: object, { timeoutMaxMs }: TimeoutPolicy): object {
  const {
    browserName,
    'LT:Options': given,
    ...others
  } = checkFields(capabilitiesSchema, capabilities, PLACE);
  refuseWhatIsMissing(browserName, given, others);
  const { name, build, project, resolution, headless, timeout, idleTimeout } = given;
  const timeoutMs = timeout ?? Math.min(TIMEOUT_DEFAULT_MS, timeoutMaxMs);
  const idleMs = Math.round((idleTimeout ?? Math.min(IDLE_DEFAULT_SECONDS, timeoutMaxMs / 1_000)) * 1_000);
  checkTime('timeout', timeoutMs, timeoutMaxMs, 'milliseconds', 1);
  checkTime('idleTimeout', idleMs, timeoutMaxMs, 'seconds', 1_000);
  const [width, height] = (resolution ?? '').split('x').map(Number);
  const through = given.proxy ?? given.proxyUrl ?? '';
  return {
    ...(name === null ? {} : { name }),
    labels: { ...(build === null ? {} : { build }), ...(project === null ? {} : { project }) },
    timeout: Math.round(timeoutMs),
    idleTimeout: idleMs,
    ...(typeof headless === 'boolean' ? { headless } : {}),
    ...(height === undefined ? {} : { dimensions: { width, height } }),
    ...(through === '' ? {} : { proxy: typeof through === 'string' ? proxyOf(through) : through }),
  };
}

function refuseWhatIsMissing(
  browserName: string | null | undefined,
  given: Readonly<Record<string, unknown>>,
  others: Readonly<Record<string, unknown>>,
): void {
  const fields = REFUSED.filter(option => isAsked(given[option])).map(option => ({
    pointer: `${PLACE.root}/LT:Options/${option.replaceAll('/', '~1')}`,
    message: 'is not supported',
  }));
  if (typeof browserName === 'string' && !/^chrom(e|ium)$/i.test(browserName))
    fields.push({ pointer: `${PLACE.root}/browserName`, message: 'is not supported: the browser is Chrome' });
  if (isAsked(others['proxy']))
    fields.push({ pointer: `${PLACE.root}/proxy`, message: 'is not supported: use LT:Options.proxy' });
  if (fields.length === 0) return;
  const message = fields.map(({ pointer, message: problem }) => `${pointer}: ${problem}`).join('; ');
  throw new ServiceError('not_supported', message, { fields });
}

/* Off, empty and left out ask for nothing. */
function isAsked(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false && value !== '';
}

function checkTime(name: string, ms: number, maxMs: number, unit: string, unitMs: number): void {
  if (ms >= 1_000 && ms <= maxMs) return;
  const message = `must be from ${1_000 / unitMs} to ${maxMs / unitMs}: the unit is ${unit}`;
  throw invalidFields([{ pointer: `${PLACE.root}/LT:Options/${name}`, message }]);
}

/* User name and password are part of a proxy's URL. */
function proxyOf(url: string): object {
  if (!URL.canParse(url)) return { server: url };
  const { protocol, host, username, password } = new URL(url);
  return {
    server: `${protocol}//${host}`,
    ...(username === '' ? {} : { username: decoded(username) }),
    ...(password === '' ? {} : { password: decoded(password) }),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

const invalid = (message: string): ServiceError => invalidFields([{ pointer: PLACE.root, message }]);

/* Printable, and not too long; null if nothing is left. */
function shownText(value: string | number | null | undefined): string | null {
  const shown = String(value ?? '')
    .replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ')
    .trim();
  return cut(shown) || null;
}

/* Not in the middle of a character of two code units. */
function cut(shown: string): string {
  const short = shown.slice(0, TEXT_MAX);
  return /[\uD800-\uDBFF]$/.test(short) ? short.slice(0, -1) : short;
}
