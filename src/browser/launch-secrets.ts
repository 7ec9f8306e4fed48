import { z } from 'zod';
import { seal, unseal } from '../core/sealed';
import { newCookie } from './cookies';

/** What a launch needs and nobody else may read. */
export const launchSecrets = z.object({
  /** How the browser's proxy is told who asks; null: it wants nobody's name. */
  proxy: z.object({ username: z.string(), password: z.string() }).nullable(),
  /** Set before the first page opens. */
  cookies: z.array(newCookie),
});

/** @see launchSecrets */
export type LaunchSecrets = Readonly<z.output<typeof launchSecrets>>;

/** Nothing to hide. */
export const NO_SECRETS: LaunchSecrets = { proxy: null, cookies: [] };

/**
 * Secrets as they may lie in the row; null if there are none.
 *
 * @param ref - the session they belong to: in another row they cannot be read
 */
export function sealSecrets(secret: string, ref: string, secrets: LaunchSecrets): string | null {
  if (secrets.proxy === null && secrets.cookies.length === 0) return null;
  return seal(secret, ref, JSON.stringify(secrets));
}

/**
 * What {@link sealSecrets} was given.
 *
 * @throws UnsealError if the installation's secret is another one now.
 */
export function unsealSecrets(secret: string, ref: string, sealed: string | null): LaunchSecrets {
  return sealed === null ? NO_SECRETS : launchSecrets.parse(JSON.parse(unseal(secret, ref, sealed)));
}
