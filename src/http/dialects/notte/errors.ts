import { ServiceError, type ErrorCode, type FieldError } from '../../../core/errors';
import { problemAnswer, type ErrorAnswer } from '../../edge/problem';

/** Notte's status for a cluster that is full. Its Python client waits half a minute and tries again. */
const CLUSTER_FULL = 529;
const CLUSTER_FULL_RETRY_SECONDS = 30;

const SESSION_IN_PATH = /^(?:\/notte)?\/sessions\/([A-Za-z0-9_-]{1,64})\/?(?:\/[^/].*)?$/;
const PAGE_CALL = /\/page\/[a-z]+\/?$/;

/* Names in the place of an id. */
const NO_SESSIONS: readonly string[] = ['start', 'connect'];

/* They say nothing about what a page call has done. */
const NOT_OF_THE_ACTION: readonly ErrorCode[] = ['unauthorized', 'session_not_found', 'invalid_request'];

/** The body of every error. Python's client reads `status`, both clients show `message`. */
export interface NotteError {
  readonly message: string;
  /** As in the status line. */
  readonly status: number;
  /** The stable code. */
  readonly error: ErrorCode;
  /** What is wrong with each field, in pydantic's form; else the message. */
  readonly detail: string | readonly NotteFieldError[];
  readonly session_id: string | null;
}

/** @see NotteError */
export interface NotteFieldError {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** Notte's errors. One of a page call has the header by which Python's client makes an error of its own class. */
export const notteErrorAnswer: ErrorAnswer = (error, asked) => {
  const { code, fields, details } = error;
  const status = code === 'queue_timeout' ? CLUSTER_FULL : error.status;
  const message = MESSAGES[code] ?? error.message;
  const isOfAction = PAGE_CALL.test(asked.path) && !NOT_OF_THE_ACTION.includes(code);
  const body: NotteError = {
    message,
    status,
    error: code,
    detail: fields.length === 0 ? message : fields.map(fieldError),
    session_id: details['sessionId'] ?? sessionIn(asked.path),
  };
  return {
    status,
    headers: {
      ...problemAnswer(error, asked, status).headers,
      'content-type': 'application/json',
      ...(status === CLUSTER_FULL ? { 'retry-after': String(CLUSTER_FULL_RETRY_SECONDS) } : {}),
      ...(isOfAction ? { 'x-error-class': 'NotteApiExecutionError' } : {}),
    },
    body,
  };
};

/* In the words of its clients. */
const MESSAGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  unauthorized: 'Authentication failed: a valid API key is needed in the header Authorization (Bearer).',
  context_not_found: 'There is no such profile.',
};

function sessionIn(path: string): string | null {
  const id = SESSION_IN_PATH.exec(path)?.[1];
  return id === undefined || NO_SESSIONS.includes(id) ? null : id;
}

/* `/cookies/0/name` or `query/page` → pydantic's location. */
function fieldError({ pointer, message }: FieldError): NotteFieldError {
  const [root = '', ...path] = pointer
    .split('/')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return {
    loc: [root === '' ? 'body' : root, ...path.map(part => (/^\d+$/.test(part) ? Number(part) : part))],
    msg: message,
    type: message.endsWith('received undefined') ? 'missing' : 'value_error',
  };
}

/** The error for something that the service does not have. @param instead - what to do, as a sentence */
export const notSupported = (what: string, instead = ''): ServiceError =>
  new ServiceError('not_supported', `${what} is not supported here. ${instead}`.trimEnd());
