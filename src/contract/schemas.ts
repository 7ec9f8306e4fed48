import { z } from 'zod';
import { LABELS_MAX } from '../../machines/session/session.changes';
import type { NewSession } from '../commands/create-session';
import { checkFields, invalidFields, summary, type FieldPlace } from '../core/check-fields';
import { ServiceError, type FieldError } from '../core/errors';
import { SESSION_ID_PATTERN } from '../core/ids';
import { isCursor } from '../store/member-page';
import type { Selection } from '../store/session-index';
import { browserFields, splitBrowserFields, checkBrowserFields } from './browser-options';
import { contextField, contextRequest } from './context-use';
import { LABEL_NAME, LABEL_VALUE } from './labels';
import { sessionName } from './names';
import { selectionFields, selectionOf } from './selection';

/** The operator's settings that bound the time-outs of sessions. Milliseconds. */
export interface TimeoutPolicy {
  readonly timeoutDefaultMs: number;
  readonly timeoutMaxMs: number;
}

/** The shortest time-out that a client may ask for, milliseconds. */
export const TIMEOUT_MIN_MS = 1_000;
const QUEUE_TIMEOUT_DEFAULT_MS = 60_000;
const QUEUE_TIMEOUT_MAX_MS = 3_600_000;

/**
 * Fields that are designed but not implemented, with the values that ask for nothing. Those values are accepted; any
 * other is `not_supported`, so that no client relies on a feature that does not exist.
 */
const PLANNED_FIELDS: Readonly<Record<string, readonly (boolean | null)[]>> = {
  recording: [null, false],
  blockAds: [null, false],
};

/**
 * Fields of other services that would need a client to stay connected to the browser, which Holdfast does not do.
 * `args` and `extensions` are for the operator alone.
 */
const FOREIGN_FIELDS: readonly string[] = [
  'geolocation',
  'permissions',
  'extraHTTPHeaders',
  'httpCredentials',
  'colorScheme',
  'isMobile',
  'hasTouch',
  'offline',
  'args',
  'extensions',
];

/* Both kinds, with the values that they may have. */
const UNSUPPORTED_FIELDS: Readonly<Record<string, z.ZodType>> = {
  ...Object.fromEntries(Object.entries(PLANNED_FIELDS).map(([name, values]) => [name, oneOf(values)])),
  ...Object.fromEntries(FOREIGN_FIELDS.map(name => [name, oneOf([null])])),
};

function oneOf(values: readonly (boolean | null)[]): z.ZodType {
  return z
    .literal([...values])
    .optional()
    .describe('Not supported: any other value is refused with `not_supported`.');
}

/** A time-out of at most `maxMs` milliseconds. */
export const duration = (maxMs: number): z.ZodInt =>
  z
    .int()
    .min(TIMEOUT_MIN_MS, `must be at least ${TIMEOUT_MIN_MS}: the unit is milliseconds`)
    .max(maxMs, `must be at most ${maxMs} milliseconds`);

/** The name of a label. */
const labelName = z
  .string()
  .regex(
    LABEL_NAME,
    'must have 1 to 63 characters: letters, digits, ".", "_", "/", "-", the first a letter or digit',
  );

const labelValue = z.string().regex(LABEL_VALUE, 'must have at most 128 printable characters');

/** The labels of something new. */
export const labels = z
  .record(labelName, labelValue)
  .refine(given => Object.keys(given).length <= LABELS_MAX, `must be at most ${LABELS_MAX} pairs`);

/** A change of labels: null removes one. */
export const labelChange = z
  .record(labelName, labelValue.nullable())
  .refine(given => Object.keys(given).length <= 2 * LABELS_MAX, `must be at most ${2 * LABELS_MAX} pairs`);

/* Strict: with a misspelt `proxy` the browser would run without one. */
const createBody = ({ timeoutDefaultMs, timeoutMaxMs }: TimeoutPolicy) =>
  z.strictObject({
    sessionId: z
      .string()
      .regex(SESSION_ID_PATTERN, 'must have 1 to 64 characters: letters, digits, "_", "-"')
      .optional()
      .describe('An id of your choice. By default the service generates a UUIDv7.'),
    name: sessionName.default(null).describe('A display name. It need not be unique.'),
    labels: labels
      .default({})
      .describe(`Up to ${LABELS_MAX} name-value pairs. Select sessions by them with \`labelSelector\`.`),
    timeout: duration(timeoutMaxMs)
      .default(timeoutDefaultMs)
      .describe('How long the session may be live, in milliseconds.'),
    idleTimeout: duration(timeoutMaxMs)
      .nullable()
      .default(null)
      .describe('Ends the session after this many milliseconds without activity. Null: never.'),
    queueTimeout: duration(QUEUE_TIMEOUT_MAX_MS)
      .default(QUEUE_TIMEOUT_DEFAULT_MS)
      .describe('How long the session may wait for a worker, in milliseconds.'),
    connectTimeout: duration(timeoutMaxMs)
      .nullable()
      .default(null)
      .describe('Ends the session if no client connects within this many milliseconds. Null: never.'),
    sleepAfter: duration(timeoutMaxMs)
      .nullable()
      .default(null)
      .describe(
        'Lets the browser sleep after this many milliseconds in which nobody has sent it anything and it had nothing ' +
          'to do, until it is needed ([details](sleep.md)). Null: never.',
      ),
    context: contextField
      .nullable()
      .default(null)
      .describe('The context whose logins the browser starts with.'),
    ...browserFields,
  });

/** The body of `POST /v1/sessions`, for the OpenAPI document. */
export const createBodySchema = (policy: TimeoutPolicy): z.ZodType =>
  createBody(policy).extend(UNSUPPORTED_FIELDS);

/** Checks the body of one create. */
export type ParseCreateBody = (body: unknown, place?: FieldPlace) => NewSession;

/**
 * The body of `POST /v1/sessions` → the parameters of the session, defaults applied. The schema is made here, once for
 * all bodies: making it takes longer than using it.
 *
 * @throws ServiceError `not_supported` or `invalid_request`, naming every field; the returned function does.
 */
export function createBodyParser(policy: TimeoutPolicy): ParseCreateBody {
  const schema = createBody(policy).superRefine(checkBrowserFields);
  return (body, place = {}) => {
    const given = checkFields(schema, withoutUnsupported(body, place.root ?? ''), place);
    return {
      sessionId: given.sessionId ?? null,
      name: given.name,
      labels: given.labels,
      limits: {
        timeoutMs: given.timeout,
        idleTimeoutMs: given.idleTimeout,
        queueTimeoutMs: given.queueTimeout,
        connectTimeoutMs: given.connectTimeout,
        disconnectTimeoutMs: null,
        sleepAfterMs: given.sleepAfter,
      },
      context: contextRequest(given.context),
      ...splitBrowserFields(given),
    };
  };
}

/** The size of a page, as a parameter of a query. */
export const pageLimit = z
  .string()
  .regex(/^\d{1,3}$/, 'must be a whole number')
  .transform(Number)
  .pipe(z.int().min(1).max(100))
  .default(50);

/** The query of `GET /v1/sessions`. */
export const listQuery = z.object({
  ...selectionFields,
  cursor: z.string().max(128).refine(isCursor, 'is not a cursor of this list').optional(),
  limit: pageLimit,
});

/** The parsed query of `GET /v1/sessions`. */
export interface ListQuery {
  readonly selection: Selection;
  readonly cursor: string | null;
  readonly limit: number;
}

/**
 * The query of `GET /v1/sessions`.
 *
 * @throws ServiceError `invalid_request`, naming every parameter.
 */
export function parseListQuery(query: Readonly<Record<string, unknown>>): ListQuery {
  const { cursor = null, limit, ...selection } = checkFields(listQuery, query, { root: 'query' });
  return { selection: selectionOf(selection), cursor, limit };
}

/** Strict: a misspelt filter that is ignored would release everything. */
export const releaseAllSelection = z.strictObject({
  ...selectionFields,
  dryRun: z.boolean().default(false),
});

/** Which sessions `POST /v1/sessions/release` should release. */
export interface ReleaseAllSelection {
  readonly selection: Selection;
  readonly dryRun: boolean;
}

/**
 * Body and query of `POST /v1/sessions/release`; both may contain filters.
 *
 * @throws ServiceError `invalid_request`.
 */
export function parseReleaseAll(
  body: unknown,
  query: Readonly<Record<string, unknown>>,
): ReleaseAllSelection {
  const { dryRun: dryRunText, ...rest } = query;
  const asked =
    dryRunText === undefined
      ? rest
      : { ...rest, dryRun: dryRunText === 'true' || (dryRunText !== 'false' && dryRunText) };
  // A body that is not an object is passed on for the schema to refuse.
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  const { dryRun, ...selection } = checkFields(releaseAllSelection, isObject ? { ...asked, ...body } : body);
  return { selection: selectionOf(selection), dryRun };
}

/** The values that an `Idempotency-Key` may have. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * The `Idempotency-Key` header; null if there is none.
 *
 * @throws ServiceError `invalid_request`.
 */
export function parseIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && IDEMPOTENCY_KEY.test(header)) return header;
  throw invalidFields([
    {
      pointer: 'header/Idempotency-Key',
      message: 'must have 1 to 255 printable ASCII characters without spaces',
    },
  ]);
}

/* The body without fields of other services or of later versions that ask for nothing. */
function withoutUnsupported(body: unknown, root: string): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const fields = Object.entries(body).flatMap(([name, value]): FieldError[] => {
    const pointer = `${root}/${name}`;
    if (
      Object.hasOwn(PLANNED_FIELDS, name) &&
      PLANNED_FIELDS[name]?.some(nothing => nothing === value) === false
    )
      return [{ pointer, message: 'is not supported yet' }];
    if (FOREIGN_FIELDS.includes(name) && value !== null)
      return [{ pointer, message: 'is not supported: set it in your client while it is connected' }];
    return [];
  });
  if (fields.length > 0) throw new ServiceError('not_supported', summary(fields), { fields });
  const rest = Object.entries(body).filter(([name]) => !Object.hasOwn(UNSUPPORTED_FIELDS, name));
  return Object.fromEntries(rest);
}
