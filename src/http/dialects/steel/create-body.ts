import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { TimeoutPolicy } from '../../../contract/schemas';
import type { BrowserState } from '../../../core/browser-state';
import { checkFields, invalidFields } from '../../../core/check-fields';
import { ServiceError, type FieldError } from '../../../core/errors';
import { CONTEXT_ID_PATTERN } from '../../../core/ids';
import { noSuchProfile } from './errors';
import { sessionContext, stateOf } from './session-context';
import { withoutNulls } from './without-nulls';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * How long a session may wait for a worker, milliseconds: Steel's clients give up a request after 60 s and ask again.
 */
const QUEUE_TIMEOUT_MS = 30_000;

/*
 * Steel's clients send whatever their users pass, such as options of the request, so unknown members are no error here.
 */
const createBody = z.looseObject({
  sessionId: z.string().regex(UUID, 'must be a UUID').optional(),
  timeout: z.int().optional(),
  inactivityTimeout: z.int().optional(),
  dimensions: z.object({ width: z.int(), height: z.int() }).optional(),
  userAgent: z.string().optional(),
  headless: z.boolean().optional(),
  proxyUrl: z.string().optional(),
  useProxy: z.union([z.boolean(), z.looseObject({ server: z.string().optional() })]).optional(),
  sessionContext: sessionContext.optional(),
  profileId: z.string().optional(),
  persistProfile: z.boolean().optional(),
});

type CreateBody = z.output<typeof createBody>;

/** What a create of Steel asks for. */
export interface SteelCreate {
  /** The same as a body of `POST /v1/sessions`. */
  readonly native: object;
  /** Cookies and local storage that the browser gets when it is there. */
  readonly state: BrowserState;
}

/**
 * The body of Steel's create, in words of this service.
 *
 * @throws ServiceError `invalid_request`, naming every field; `not_supported` for what would change how the browser
 *   reaches the network, or what it starts with, and cannot be done; `context_not_found`.
 */
export function readCreateBody(body: unknown, policy: TimeoutPolicy): SteelCreate {
  const given = checkFields(createBody, withoutNulls(body));
  const { sessionId, timeout, dimensions, userAgent, headless } = given;
  const native = {
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(timeout === undefined ? {} : { timeout }),
    queueTimeout: QUEUE_TIMEOUT_MS,
    idleTimeout: idleTimeoutOf(given, policy),
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(headless === undefined ? {} : { headless }),
    proxy: proxyOf(given),
    context: contextOf(given),
  };
  return { native, state: stateOf(given.sessionContext ?? {}) };
}

/* Steel ignores one that is not shorter than the time-out. */
function idleTimeoutOf({ timeout, inactivityTimeout }: CreateBody, policy: TimeoutPolicy): number | null {
  if (inactivityTimeout === undefined) return null;
  return inactivityTimeout >= (timeout ?? policy.timeoutDefaultMs) ? null : inactivityTimeout;
}

/* `proxyUrl` overrides `useProxy`. User name and password are part of the URL of either. */
function proxyOf({ proxyUrl, useProxy }: CreateBody): object | null {
  if (proxyUrl !== undefined && proxyUrl !== '') return proxyAt(proxyUrl, '/proxyUrl');
  if (useProxy === undefined || useProxy === false) return null;
  if (useProxy !== true && useProxy.server !== undefined) return proxyAt(useProxy.server, '/useProxy/server');
  const message =
    'is not supported: this service has no proxies of its own. Name yours in proxyUrl, or in useProxy.server';
  throw new ServiceError('not_supported', `/useProxy: ${message}`, {
    fields: [{ pointer: '/useProxy', message }],
  });
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

function proxyAt(text: string, pointer: string): object {
  try {
    const { protocol, hostname, port, username, password } = new URL(text);
    return {
      server: `${protocol}//${hostname}:${port === '' ? (DEFAULT_PORTS[protocol] ?? '') : port}`,
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    };
  } catch {
    // The text may have a password: it is not repeated.
    throw invalidFields([{ pointer, message: 'must be a URL such as http://user:password@host:8080' }]);
  }
}

/* A profile is a context; the last session that saves decides what the next one starts with. */
function contextOf({ profileId, persistProfile, sessionId }: CreateBody): object | null {
  const persist = persistProfile === true;
  const saving = persist ? { persist, onConflict: 'replace' } : { persist };
  if (profileId !== undefined) {
    if (!CONTEXT_ID_PATTERN.test(profileId)) throw noSuchProfile();
    return { id: profileId, ...saving };
  }
  // By name: a repeat of the request must not make a second one.
  return persist ? { name: `steel-profile-${sessionId ?? randomUUID()}`, ...saving } : null;
}

/* Where a field of the native body comes from. */
const STEEL_POINTERS: readonly (readonly [native: string, steel: string])[] = [
  ['/idleTimeout', '/inactivityTimeout'],
  ['/proxy', '/proxyUrl'],
  ['/context', '/profileId'],
];

/** The error of a check of the native body, in Steel's names. */
export function inSteelNames(error: unknown): unknown {
  if (!(error instanceof ServiceError) || error.code !== 'invalid_request') return error;
  return invalidFields(error.fields.map(({ pointer, message }) => ({ pointer: renamed(pointer), message })));
}

function renamed(pointer: FieldError['pointer']): string {
  return STEEL_POINTERS.find(([native]) => pointer.startsWith(native))?.[1] ?? pointer;
}
