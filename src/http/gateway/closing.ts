import type { ServiceError } from '../../core/errors';
import type { Closing } from '../../core/server-frames';

/** RFC 6455: normal closure; internal error; service restart, connect again. */
const NORMAL = 1_000;
const INTERNAL_ERROR = 1_011;
const SERVICE_RESTART = 1_012;

/** Application codes: 4000 plus the corresponding HTTP status. */
const UNAUTHORIZED = 4_401;
const NOT_FOUND = 4_404;
const TIMED_OUT = 4_408;
const FAILED = 4_500;

const CODE_BY_STATUS: Readonly<Record<string, number>> = {
  released: NORMAL,
  timed_out: TIMED_OUT,
  failed: FAILED,
};

/** The close code and reason for a client's WebSocket, from the error that it would get if it connected now. */
export function closingOf({ code, details }: ServiceError): Closing {
  switch (code) {
    case 'session_ended':
      return {
        code: CODE_BY_STATUS[details['sessionStatus'] ?? ''] ?? NORMAL,
        reason: details['endReason'] ?? code,
      };
    case 'unauthorized':
      return { code: UNAUTHORIZED, reason: code };
    case 'session_not_found':
      return { code: NOT_FOUND, reason: code };
    case 'shutting_down':
      return { code: SERVICE_RESTART, reason: code };
    default:
      return { code: INTERNAL_ERROR, reason: code };
  }
}
