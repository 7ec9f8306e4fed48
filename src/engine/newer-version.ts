import { ServiceError } from '../core/errors';

/** The error for a request that only a process of a newer version can carry out on its session. */
export function newerVersion(cause?: unknown): ServiceError {
  return new ServiceError(
    'newer_version',
    'A newer version of the service wrote this session, and no process of that version has ' +
      'answered. Repeat the request.',
    cause === undefined ? {} : { cause },
  );
}
