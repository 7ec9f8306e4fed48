import { ServiceError } from '../core/errors';

/** The error for a request that only a process of a newer version can carry out on its session. */
export function newerVersion(cause?: unknown): ServiceError {
  return new ServiceError(
    'newer_version',
    'A newer version of the service keeps this session, and none of its processes has answered yet. Ask again.',
    cause === undefined ? {} : { cause },
  );
}
