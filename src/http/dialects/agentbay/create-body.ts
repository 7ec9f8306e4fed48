import { z } from 'zod';
import type { TimeoutPolicy } from '../../../contract/schemas';
import { ServiceError } from '../../../core/errors';
import { parseJson, wrong, type Parameters } from './parameters';

/** Where its clients mount the profile of a browser. */
export const PROFILE_PATH = '/tmp/agentbay_browser';

/**
 * Some versions bind a context of their own here with every create, for files that they carry to and from the session.
 * Nobody has asked for it, so it is left out instead of refused; what would use it is refused.
 */
const OWN_PATH = '/temp/file-transfer';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** How much a time-out may be, in seconds or minutes; longer ones than a session's are cut to that. */
const TIMEOUT_GIVEN_MAX = 1e9;

/** How many contexts of a create are looked at. */
const BINDINGS_MAX = 100;

const labels = z.record(z.string(), z.string());

/* Its members beside these describe which files are copied when; a profile is mounted and saved as a whole. */
const policy = z.looseObject({
  uploadPolicy: z.looseObject({ autoUpload: z.boolean().nullish() }).nullish(),
  downloadPolicy: z.looseObject({ autoDownload: z.boolean().nullish() }).nullish(),
});

const bindings = z
  .array(z.looseObject({ ContextId: z.string(), Path: z.string(), Policy: z.unknown() }))
  .max(BINDINGS_MAX);

/** Labels, JSON inside their parameter. */
export const labelsOf = (parameters: Parameters): Readonly<Record<string, string>> =>
  parameters.json('Labels', labels) ?? {};

/**
 * The parameters of `CreateMcpSession` → the body of `POST /v1/sessions`.
 *
 * @throws ServiceError `invalid_request`; `not_supported` for a network of one's own, and for contexts at other paths
 *   than that of the profile.
 */
export function nativeCreateBody(parameters: Parameters, { timeoutMaxMs }: TimeoutPolicy): object {
  if (parameters.flag('VpcResource') === true)
    throw unsupported('VpcResource: there are no private networks.');
  if (parameters.text('NetworkId') !== null) throw unsupported('NetworkId: there are no private networks.');
  const idleTimeout = idleTimeoutOf(parameters, timeoutMaxMs);
  const context = contextOf(parameters);
  return {
    labels: labelsOf(parameters),
    timeout: timeoutOf(parameters, timeoutMaxMs),
    ...(idleTimeout === null ? {} : { idleTimeout }),
    ...(context === null ? {} : { context }),
  };
}

/* The longest that is possible, unless the client has a limit of its own, in minutes. */
function timeoutOf(parameters: Parameters, timeoutMaxMs: number): number {
  const minutes = parameters.integer('MaxRuntime', 1, TIMEOUT_GIVEN_MAX);
  if (minutes === null) return timeoutMaxMs;
  if (minutes * MINUTE_MS > timeoutMaxMs)
    throw wrong('MaxRuntime', `must be at most ${Math.floor(timeoutMaxMs / MINUTE_MS)} minutes`);
  return minutes * MINUTE_MS;
}

/* Seconds; minutes from the versions that also have `MaxRuntime` and `ManualRelease`. */
function idleTimeoutOf(parameters: Parameters, timeoutMaxMs: number): number | null {
  const given = parameters.integer('Timeout', 1, TIMEOUT_GIVEN_MAX);
  const isManual = parameters.flag('ManualRelease');
  if (given === null || isManual === true) return null;
  const isMinutes = isManual !== null || parameters.text('MaxRuntime') !== null;
  return Math.min(given * (isMinutes ? MINUTE_MS : SECOND_MS), timeoutMaxMs);
}

function contextOf(parameters: Parameters): object | null {
  const given = parameters.json('PersistenceDataList', bindings) ?? [];
  const asked = given.filter(({ Path }) => Path !== OWN_PATH);
  const other = asked.find(({ Path }) => Path !== PROFILE_PATH);
  if (other !== undefined)
    throw unsupported(`A context can be mounted at ${PROFILE_PATH} only, as the profile of the browser.`);
  const [binding, ...more] = asked;
  if (binding === undefined) return null;
  if (more.length > 0) throw unsupported('A session has one context at most.');
  const { uploadPolicy, downloadPolicy } = policyOf(binding.Policy);
  if (downloadPolicy?.autoDownload === false)
    throw unsupported('autoDownload: a browser always starts with what its context has.');
  // The last to save wins there.
  const persist = uploadPolicy?.autoUpload !== false;
  return { id: binding.ContextId, persist, ...(persist ? { onConflict: 'replace' } : {}) };
}

function policyOf(given: unknown): z.output<typeof policy> {
  if (given === undefined || given === null || given === '') return {};
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  return parseJson('PersistenceDataList/Policy', text, policy);
}

/** The error for what is asked for but does not exist. */
export const unsupported = (message: string): ServiceError => new ServiceError('not_supported', message);
