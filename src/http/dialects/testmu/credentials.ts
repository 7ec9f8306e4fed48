import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { passwordIn, type Authenticator } from '../../edge/authenticator';
import { unauthorized, type Caller } from '../../edge/caller';
import { CDP_SCOPE } from '../../gateway/cdp-access';

/** Where capabilities have credentials: the SDK writes `accessKey`; its user name says nothing here. */
const withCredentials = z.object({ 'LT:Options': z.object({ accessKey: z.string() }) });

/**
 * The caller of a connection: by a header of this service, by the password of HTTP Basic, which is what clients make of
 * `wss://user:key@…`, or by `accessKey` in the capabilities.
 *
 * @throws ServiceError `unauthorized`, `forbidden`.
 */
export async function callerOf(
  authenticator: Authenticator,
  request: IncomingMessage,
  capabilities: unknown,
): Promise<Caller> {
  const inCapabilities = withCredentials.safeParse(capabilities).data?.['LT:Options'].accessKey ?? null;
  const password = passwordIn(request.headers);
  const given = password === null || password === '' ? inCapabilities : password;
  const caller =
    (await authenticator.callerOf(request, CDP_SCOPE)) ??
    (await authenticator.callerWith(request, given, CDP_SCOPE));
  if (caller === null) throw unauthorized();
  return caller;
}
