import { HoldfastError } from '../core/errors';

/** What callers are told who want something of a session that only a process of a newer version can do. */
export function newerVersion(cause?: unknown): HoldfastError {
  return new HoldfastError(
    'newer_version',
    'A newer version of the service keeps this session, and none of its processes has answered yet. Ask again.',
    cause === undefined ? {} : { cause },
  );
}
