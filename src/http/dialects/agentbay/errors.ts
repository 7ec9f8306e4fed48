import type { ErrorCode } from '../../../core/errors';
import { limitHeaders, type ErrorAnswer } from '../../edge/problem';
import type { DialectCall } from '../dialect';
import { AGENTBAY_CALLS } from './calls';

/** A code of AgentBay, and the message that its server sends with it; left out: that of the error. */
interface Refusal {
  readonly code: string;
  readonly message?: string;
}

const NO_SESSION: Refusal = {
  code: 'InvalidMcpSession.NotFound',
  message: 'Resource [McpSession] is not found.',
};
const NO_ACTION: Refusal = { code: 'InvalidAction.NotFound' };
const BAD_PARAMETER: Refusal = { code: 'InvalidParameter' };

/* All others keep their own code, as one word: `QueueTimeout`. Clients look for `NotFound` in codes. */
const REFUSALS: Readonly<Partial<Record<ErrorCode, Refusal>>> = {
  session_not_found: NO_SESSION,
  // A session that has ended is gone there.
  session_ended: NO_SESSION,
  context_not_found: { code: 'InvalidContext.NotFound', message: 'Resource [Context] is not found.' },
  unauthorized: {
    code: 'NOT_LOGIN',
    message: 'You are not logged in or your login token has expired',
  },
  not_found: NO_ACTION,
  invalid_request: BAD_PARAMETER,
  malformed_request: BAD_PARAMETER,
  body_too_large: BAD_PARAMETER,
  unsupported_media_type: { ...BAD_PARAMETER, message: 'The body must be an uncompressed form, in UTF-8.' },
  redis_unavailable: { code: 'ServiceUnavailable' },
};

const MISSING_PATHS: ReadonlySet<string> = new Set(
  Object.values<DialectCall>(AGENTBAY_CALLS).flatMap(({ path, isMissing }) =>
    isMissing === true ? [path] : [],
  ),
);

/**
 * Its clients take every status from 400 on as a failure, and never repeat a call. Failures of the caller are 400
 * there, whatever they are about; only an action that does not exist is 404.
 */
export const agentBayErrorAnswer: ErrorAnswer = (error, { requestId, path }) => {
  const isNoAction = error.code === 'not_supported' && MISSING_PATHS.has(path);
  const { code, message } = isNoAction ? NO_ACTION : (REFUSALS[error.code] ?? { code: wordOf(error.code) });
  const status = error.status >= 500 ? error.status : code === NO_ACTION.code ? 404 : 400;
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-request-id': requestId,
      ...limitHeaders(error),
    },
    body: {
      RequestId: requestId,
      Success: false,
      Code: code,
      HttpStatusCode: status,
      Message: message ?? error.message,
    },
  };
};

const wordOf = (code: ErrorCode): string =>
  code
    .split('_')
    .map(part => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
