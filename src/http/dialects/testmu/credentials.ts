import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { unauthorized, passwordIn, type Authenticator } from '../../edge/authenticator';

/** Where capabilities have credentials: the SDK writes `accessKey`; its user name says nothing here. */
const withCredentials = z.object({ 'LT:Options': z.object({ accessKey: z.string() }) });

/**
 * The tenant of a connection: by a header of this service, by the password of HTTP Basic, which is what clients make of
 * `wss://user:key@…`, or by `accessKey` in the capabilities.
 *
 * @throws ServiceError `unauthorized`.
 */
export function tenantOf(
  authenticator: Authenticator,
  headers: IncomingHttpHeaders,
  capabilities: unknown,
): string {
  const inCapabilities = withCredentials.safeParse(capabilities).data?.['LT:Options'].accessKey ?? null;
  const password = passwordIn(headers);
  const tenant =
    authenticator.tenantOf(headers) ??
    authenticator.tenantWith(password === null || password === '' ? inCapabilities : password);
  if (tenant === null) throw unauthorized();
  return tenant;
}
