import { refusal } from './errors';
import type { ReleaseAllResult } from './session';
import { splitRequest, type RequestOptions, type Transport } from './transport';

/** Options of a release. */
export interface ReleaseRequest extends RequestOptions {
  /** False: answer when the end is committed, without waiting until the browser is gone. Default: true. */
  readonly wait?: boolean | undefined;
}

/** Which sessions to release; by default all of yours that are created or live. */
export interface ReleaseAllOptions extends ReleaseRequest {
  readonly labelSelector?: string;
  /** Only count them. */
  readonly dryRun?: boolean;
}

/** Releases many sessions. */
export async function releaseAll(
  transport: Transport,
  options: ReleaseAllOptions,
): Promise<ReleaseAllResult> {
  const [request, { wait = true, ...asked }] = splitRequest(options);
  refuseUndefined(asked);
  const { body } = await transport.send({
    ...request,
    method: 'POST',
    path: '/v1/sessions/release',
    body: asked,
    headers: preferOf(wait),
  });
  // SAFETY: a 2xx of this route carries the counts.
  return body as ReleaseAllResult;
}

/** The header that says whether to wait until browsers are gone. */
export const preferOf = (wait: boolean): Record<string, string> => (wait ? {} : { prefer: 'respond-async' });

/* A filter that is undefined, such as an unset environment variable, would release everything. */
function refuseUndefined({ dryRun: _dryRun, ...filters }: Readonly<Record<string, unknown>>): void {
  const unset = Object.keys(filters).filter(name => filters[name] === undefined);
  if (unset.length === 0) return;
  const message = 'is undefined: omit it to release all sessions';
  throw refusal(
    'invalid_request',
    unset.map(name => ({ pointer: `/${name}`, message })),
  );
}
