import { withoutBrackets } from '../config/address';

/** The name in a `Host` header: lower case, without port and brackets; null if it is not one. */
export function hostnameIn(header: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(header);
  return match?.[1] === undefined ? null : withoutBrackets(match[1].toLowerCase());
}
