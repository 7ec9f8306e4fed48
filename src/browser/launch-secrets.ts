import { z } from 'zod';
import { seal, unseal } from '../core/sealed';
import { newCookie } from './cookies';

/** The secrets that a launch needs. */
export const launchSecrets = z.object({
  /** Credentials for the browser's proxy; null: it needs none. */
  proxy: z.object({ username: z.string(), password: z.string() }).nullable(),
  /** Set before the first page opens. */
  cookies: z.array(newCookie),
});

/** @see launchSecrets */
export type LaunchSecrets = Readonly<z.output<typeof launchSecrets>>;

/** The secrets of a session that has none. */
export const NO_SECRETS: LaunchSecrets = { proxy: null, cookies: [] };

/**
 * Seals secrets for the row; null if there are none.
 *
 * @param ref - the session they belong to: in another row they cannot be unsealed
 */
export function sealSecrets(secret: string, ref: string, secrets: LaunchSecrets): string | null {
  if (secrets.proxy === null && secrets.cookies.length === 0) return null;
  return seal(secret, ref, JSON.stringify(secrets));
}

/**
 * The secrets that {@link sealSecrets} was given.
 *
 * @throws UnsealError if the installation's secret is another one now.
 */
export function unsealSecrets(secret: string, ref: string, sealed: string | null): LaunchSecrets {
  return sealed === null ? NO_SECRETS : launchSecrets.parse(JSON.parse(unseal(secret, ref, sealed)));
}
