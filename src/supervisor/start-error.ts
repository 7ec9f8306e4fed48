/** A start that cannot succeed, for a reason that the user can fix. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
