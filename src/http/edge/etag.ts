/** The entity tag of a revision. */
export const etagOf = (revision: number): string => `"${revision}"`;

/**
 * Whether `If-None-Match` names this revision, so that the client has it already. Weak comparison (RFC 9110, 13.1.2).
 */
export function hasRevision(ifNoneMatch: string | undefined, revision: number): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(',').map(tag => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etagOf(revision));
}
