import { z } from 'zod';
import type { ParseCreateBody, TimeoutPolicy } from '../../../contract/schemas';
import { checkFields, invalidFields, summary } from '../../../core/check-fields';
import { ServiceError } from '../../../core/errors';
import { CONTEXT_ID_PATTERN } from '../../../core/ids';
import type { NewSession } from '../../../commands/create-session';
import { contextNotFound } from '../../../engine/context-errors';
import { notSupported } from './errors';

const MINUTE_MS = 60_000;
const MAX_DURATION_DEFAULT_MINUTES = 15;
const MAX_DURATION_MAX_MINUTES = 24 * 60;
const IDLE_TIMEOUT_DEFAULT_MINUTES = 3;
const IDLE_TIMEOUT_MAX_MINUTES = 30;

/**
 * How long a start waits for a slot; then it is answered with 529, for which the clients of the system are made. They
 * give up after 45 seconds, so it must be well below.
 */
const QUEUE_TIMEOUT_MS = 25_000;

const ASPECT_RATIOS = {
  '5:4': { width: 1_280, height: 1_024 },
  '16:9': { width: 1_280, height: 720 },
} as const;

const flag = z.boolean().nullish();
const text = z.string().nullish();

const proxy = z
  .looseObject({
    type: z.enum(['notte', 'external', 'tailnet']).default('external'),
    server: text,
    username: text,
    password: text,
    bypass: text,
  })
  .refine(({ type, server }) => type !== 'external' || typeof server === 'string', {
    path: ['server'],
    message: 'Invalid input: expected string, received undefined',
  });

const minutes = (max: number): z.ZodType<number | null | undefined> => z.int().min(1).max(max).nullish();

/*
 * Clients send options of their own and of later versions, so unknown members are no error. What the service does not
 * have is checked and then ignored, as long as the answer says so.
 */
const startBody = (maxMinutes: number) =>
  z
    .looseObject({
      headless: flag,
      max_duration_minutes: minutes(maxMinutes),
      idle_timeout_minutes: minutes(Math.min(maxMinutes, IDLE_TIMEOUT_MAX_MINUTES)),
      // The name of earlier versions, and that of the README of the Node client.
      timeout_minutes: minutes(maxMinutes),
      timeoutMinutes: minutes(maxMinutes),
      viewport_width: z.int().nullish(),
      viewport_height: z.int().nullish(),
      aspect_ratio: z.enum(['5:4', '16:9']).nullish(),
      user_agent: text,
      proxies: z.union([z.boolean(), z.string(), z.array(proxy)]).nullish(),
      profile: z.looseObject({ id: z.string(), persist: flag }).nullish(),
      cdp_url: text,
      // Not had.
      browser_type: z.enum(['chromium', 'chrome', 'firefox', 'chrome-nightly', 'chrome-turbo']).nullish(),
      solve_captchas: flag,
      use_file_storage: flag,
      web_bot_auth: flag,
      wait_for_authentication: flag,
      screenshot_type: z.enum(['raw', 'full', 'last_action']).nullish(),
      chrome_args: z.array(z.string()).nullish(),
      extra_http_headers: z.record(z.string(), z.string()).nullish(),
      vault_id: text,
      auth_ids: z.array(z.string()).max(10).nullish(),
    })
    .superRefine((given, context) => {
      const refuse = (path: string, message: string): void =>
        context.addIssue({ code: 'custom', path: [path], message });
      const { viewport_width: width, viewport_height: height, aspect_ratio: ratio } = given;
      if ((width ?? null) === null && (height ?? null) !== null)
        refuse('viewport_width', 'must be given together with viewport_height');
      if ((width ?? null) !== null && (height ?? null) === null)
        refuse('viewport_height', 'must be given together with viewport_width');
      if ((ratio ?? null) !== null && ((width ?? null) !== null || (height ?? null) !== null))
        refuse('aspect_ratio', 'cannot be given together with viewport_width and viewport_height');
      const { idle_timeout_minutes: idle, max_duration_minutes: max } = given;
      if (typeof idle === 'number' && typeof max === 'number' && idle > max)
        refuse('idle_timeout_minutes', `cannot exceed max_duration_minutes (${max})`);
    });

type StartBody = z.output<ReturnType<typeof startBody>>;

/**
 * The body of a start → the parameters of the session, by the checks of the native create. The function is made once
 * for all bodies.
 *
 * @throws ServiceError `invalid_request` naming every field, `not_supported`, `context_not_found`; the returned
 *   function does.
 */
export function startBodyParser(
  policy: TimeoutPolicy,
  parseBody: ParseCreateBody,
): (body: unknown) => NewSession {
  const schema = startBody(
    Math.max(1, Math.min(MAX_DURATION_MAX_MINUTES, Math.floor(policy.timeoutMaxMs / MINUTE_MS))),
  );
  return body => {
    const given = checkFields(schema, body);
    try {
      return parseBody(nativeBody(given, policy));
    } catch (error) {
      throw inTheirWords(error);
    }
  };
}

function nativeBody(given: StartBody, policy: TimeoutPolicy): object {
  if (isGiven(given.cdp_url)) throw notSupported('cdp_url, a browser of another provider,');
  const dimensions = dimensionsOf(given);
  const { headless, user_agent: userAgent, profile, proxies } = given;
  return {
    ...limitsOf(given, policy),
    queueTimeout: QUEUE_TIMEOUT_MS,
    ...(isGiven(headless) ? { headless } : {}),
    ...(isGiven(userAgent) ? { userAgent } : {}),
    ...(dimensions === null ? {} : { dimensions }),
    ...(Array.isArray(proxies) ? proxyOf(proxies) : {}),
    ...(isGiven(profile) ? { context: contextOf(profile) } : {}),
  };
}

/* A `timeout_minutes` above the longest duration raises it; so does an idle time-out where none was given. */
function limitsOf(
  given: StartBody,
  { timeoutMaxMs }: TimeoutPolicy,
): { timeout: number; idleTimeout: number } {
  const { idle_timeout_minutes: idle, max_duration_minutes: max } = given;
  const alias = given.timeout_minutes ?? given.timeoutMinutes;
  const idleMinutes = idle ?? alias ?? IDLE_TIMEOUT_DEFAULT_MINUTES;
  const raised = isGiven(idle) || isGiven(alias) ? idleMinutes : 0;
  const timeout = Math.min(timeoutMaxMs, Math.max(max ?? MAX_DURATION_DEFAULT_MINUTES, raised) * MINUTE_MS);
  return { timeout, idleTimeout: Math.min(timeout, idleMinutes * MINUTE_MS) };
}

function dimensionsOf(given: StartBody): { width: number; height: number } | null {
  const { viewport_width: width, viewport_height: height, aspect_ratio: ratio } = given;
  if (isGiven(width) && isGiven(height)) return { width, height };
  return isGiven(ratio) ? ASPECT_RATIOS[ratio] : null;
}

/*
 * A proxy of one's own must be used, or else the start fails. Those of the other system do not exist here; the answer
 * has `proxies: false` then.
 */
function proxyOf(proxies: readonly z.output<typeof proxy>[]): { proxy?: object } {
  const [external, ...others] = proxies.filter(({ type }) => type === 'external');
  if (external === undefined) return {};
  if (others.length > 0)
    throw invalidFields([{ pointer: '/proxies', message: 'must have at most one external proxy' }]);
  if ((external.bypass ?? '') !== '') throw notSupported('bypass of a proxy');
  const { server, username, password } = external;
  return {
    proxy: {
      ...urlParts(server ?? ''),
      ...(isGiven(username) && username !== '' ? { username } : {}),
      ...(isGiven(password) && password !== '' ? { password } : {}),
    },
  };
}

/* As Playwright reads it: the scheme may be missing, and user name and password may be part of it. */
function urlParts(server: string): object {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(server) ? server : `http://${server}`;
  if (!URL.canParse(full)) return { server };
  const { username, password } = new URL(full);
  return {
    server: full.replace(/^([a-z0-9+.-]+:\/\/)[^/]*@/i, '$1'),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}

function contextOf({ id, persist }: NonNullable<StartBody['profile']>): object {
  if (!CONTEXT_ID_PATTERN.test(id)) throw contextNotFound();
  return { id, persist: persist ?? false };
}

const isGiven = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;

/* The fields of the native create, longest first. */
const THEIR_FIELDS: readonly (readonly [native: string, theirs: string])[] = [
  ['/dimensions/width', '/viewport_width'],
  ['/dimensions/height', '/viewport_height'],
  ['/dimensions', '/viewport_width'],
  ['/idleTimeout', '/idle_timeout_minutes'],
  ['/timeout', '/max_duration_minutes'],
  ['/userAgent', '/user_agent'],
  ['/proxy', '/proxies/0'],
  ['/context', '/profile'],
];

function inTheirWords(error: unknown): unknown {
  if (!(error instanceof ServiceError) || error.fields.length === 0) return error;
  const fields = error.fields.map(({ pointer, message }) => {
    const [native = '', theirs = ''] = THEIR_FIELDS.find(([name]) => pointer.startsWith(name)) ?? [];
    return { pointer: theirs + pointer.slice(native.length), message };
  });
  return new ServiceError(error.code, summary(fields), { fields, cause: error });
}
