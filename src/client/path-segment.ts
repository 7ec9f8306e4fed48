import { HoldfastError, type ErrorCode } from './errors';

/**
 * A name as one segment of a path. Nothing is sent for an empty one and for `.` and `..`: URLs treat those as
 * directories in any encoding (WHATWG URL, section 4.4), so a wrong route would answer.
 *
 * @param missing - the service's code for an unknown name
 * @throws HoldfastError with that code.
 */
export function pathSegment(name: string, missing: ErrorCode): string {
  if (/^\.{0,2}$/.test(name))
    throw new HoldfastError(missing, `${JSON.stringify(name)} is not an id or a name.`);
  return encodeURIComponent(name);
}
