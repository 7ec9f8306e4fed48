import { HoldfastError, type ErrorCode } from './errors';

/**
 * A name as one segment of a path. Nothing is sent for an empty one and for `.` and `..`: URLs take those for directories
 * however they are encoded (WHATWG URL, section 4.4), and another route than the one that was meant would answer.
 *
 * @param missing - what the service says when it knows nothing of a name
 * @throws HoldfastError with that code.
 */
export function pathSegment(name: string, missing: ErrorCode): string {
  if (/^\.{0,2}$/.test(name)) throw new HoldfastError(missing, `Nothing is called ${JSON.stringify(name)}.`);
  return encodeURIComponent(name);
}
