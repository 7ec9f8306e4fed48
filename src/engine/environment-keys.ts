import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { adminKeys, type ApiKey } from '../config/api-keys';
import { countTenants } from '../config/tenants';
import { keyDigest } from '../core/api-key';

/** A key of the environment, without the key itself. */
export interface EnvironmentKey {
  readonly tenant: string;
  /** It may administer the installation. */
  readonly isAdmin: boolean;
}

/** The keys of the environment; of each only the digest is kept. */
export class EnvironmentKeys {
  readonly #keys: readonly (EnvironmentKey & { readonly digest: Buffer })[];

  constructor(apiKeys: readonly ApiKey[]) {
    const admins = adminKeys(apiKeys);
    this.#keys = apiKeys.map(apiKey => ({
      tenant: apiKey.tenant,
      isAdmin: admins.includes(apiKey),
      digest: keyDigest(apiKey.key),
    }));
  }

  /** Whether there are any: without them the installation is open. */
  get exist(): boolean {
    return this.#keys.length > 0;
  }

  /** How many tenants have one. */
  get tenantCount(): number {
    return countTenants(this.#keys);
  }

  /** The key that a text is; null if it is none. */
  find(given: string): EnvironmentKey | null {
    const digest = keyDigest(given);
    let found: EnvironmentKey | null = null;
    // Every key is compared, so that the duration does not show which one was close.
    for (const key of this.#keys) {
      if (timingSafeEqual(key.digest, digest)) found = key;
    }
    return found;
  }
}

/** The API key in the headers of a request; null if there is none. */
export function keyIn(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const given = bearer ?? headers['x-api-key'] ?? headers['steel-api-key'];
  return typeof given === 'string' ? given : null;
}
