import { z } from 'zod';
import { checkFields } from '../../../core/check-fields';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/*
 * Steel's clients send whatever their users pass, such as options of the request, so unknown members are no error here.
 */
const createBody = z.looseObject({
  sessionId: z.string().regex(UUID, 'must be a UUID').optional(),
  timeout: z.int().min(1).optional(),
  inactivityTimeout: z.int().min(1).optional(),
  dimensions: z.object({ width: z.int(), height: z.int() }).optional(),
  userAgent: z.string().optional(),
  headless: z.boolean().optional(),
  proxyUrl: z.string().optional(),
});

/**
 * The body of Steel's create → that of `POST /v1/sessions`.
 *
 * @throws ServiceError `invalid_request`, naming every field.
 */
export function nativeCreateBody(body: unknown): object {
  const { inactivityTimeout, proxyUrl, sessionId, timeout, dimensions, userAgent, headless } = checkFields(
    createBody,
    body,
  );
  return {
    ...{ sessionId, timeout, dimensions, userAgent, headless },
    ...(inactivityTimeout === undefined ? {} : { idleTimeout: inactivityTimeout }),
    ...(proxyUrl === undefined ? {} : { proxy: proxyOf(proxyUrl) }),
  };
}

/* User name and password of a proxy are part of its URL there. */
function proxyOf(text: string): object {
  if (!URL.canParse(text)) return { server: text };
  const { protocol, host, username, password } = new URL(text);
  return {
    server: `${protocol}//${host}`,
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}
