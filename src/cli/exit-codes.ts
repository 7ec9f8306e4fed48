import { constants } from 'node:os';
import { isHoldfastError, SessionEndedError } from '../client/errors';

/** Exit codes; stable, and explained in docs/cli.md. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  noCapacity: 4,
  waitTimeout: 5,
  unauthorized: 6,
  unreachable: 7,
  interrupted: 130,
  brokenPipe: 141,
} as const;

/** The meaning of each exit code, for the documentation. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Success; `start`, `api` and `worker` were stopped by a signal',
  failed: 'Failure: the service refused the request or failed, or `doctor` has found a problem',
  usage: 'Invalid usage: the command line, a file that it names, or a value that the service checks',
  notFound: 'There is no such session, context, worker or job, or Redis is not open to other services',
  noCapacity: 'The session never became live: no slot became free, or the browser did not start',
  waitTimeout: 'The time of `--wait` is over',
  unauthorized: 'The API key is missing or wrong',
  unreachable: 'The service cannot be reached, or something else answers at its URL',
  interrupted: 'Interrupted by Ctrl-C (SIGTERM: 143, SIGHUP: 129)',
  brokenPipe: 'The reader of the output has closed it, as `head` does',
};

/** The command line is not valid. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** A signal, or the end of the reader of the output, has ended the work. */
export class Interrupted extends Error {
  constructor(
    readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE',
    /** The message; empty by default, since the sender of the signal knows. */
    message = '',
  ) {
    super(message);
    this.name = 'Interrupted';
  }

  /** The exit code that a shell reports for a process that was killed by this signal. */
  get exitCode(): number {
    return 128 + constants.signals[this.signal];
  }
}

/** The command has printed its failures already; only the exit code remains. */
export class ReportedFailure extends Error {
  constructor(readonly exitCode: number) {
    super('already reported');
    this.name = 'ReportedFailure';
  }
}

const BY_CODE: Readonly<Record<string, number>> = {
  queue_timeout: EXIT.noCapacity,
  launch_failed: EXIT.noCapacity,
  browser_crashed: EXIT.noCapacity,
  browser_unresponsive: EXIT.noCapacity,
  resource_limit: EXIT.noCapacity,
  worker_lost: EXIT.noCapacity,
  session_not_found: EXIT.notFound,
  context_not_found: EXIT.notFound,
  context_version_not_found: EXIT.notFound,
  worker_not_found: EXIT.notFound,
  job_not_found: EXIT.notFound,
  key_not_found: EXIT.notFound,
  wait_timeout: EXIT.waitTimeout,
  unauthorized: EXIT.unauthorized,
  forbidden_origin: EXIT.unauthorized,
  forbidden: EXIT.unauthorized,
  connection_failed: EXIT.unreachable,
  request_timeout: EXIT.unreachable,
  unexpected_answer: EXIT.unreachable,
  malformed_request: EXIT.usage,
  invalid_request: EXIT.usage,
  idempotency_key_reused: EXIT.usage,
  not_supported: EXIT.usage,
  body_too_large: EXIT.usage,
};

const NO_BROWSER = ['queue_timeout', 'launch_failed'];

/** The exit code for a thrown value. */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof ReportedFailure || thrown instanceof Interrupted) return thrown.exitCode;
  if (thrown instanceof UsageError) return EXIT.usage;
  if (thrown instanceof SessionEndedError && NO_BROWSER.includes(thrown.endReason ?? ''))
    return EXIT.noCapacity;
  return isHoldfastError(thrown) ? (BY_CODE[thrown.code] ?? EXIT.failed) : EXIT.failed;
}
