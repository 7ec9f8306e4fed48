import { ServiceError } from '../core/errors';
import { randomId } from '../core/ids';
import type { KeyRing } from '../engine/key-ring';
import type { KeyRecord, KeyStore } from '../store/key-store';

/** Revokes an API key; answers what was stored of it. */
export type RevokeKey = (id: string) => Promise<KeyRecord>;

/** Dependencies of {@link revokeKey}. */
export interface RevokeKeyParts {
  readonly apiKeys: Pick<KeyStore, 'find' | 'remove'>;
  readonly keyRing: Pick<KeyRing, 'refresh'>;
}

/**
 * From the answer on this process refuses the key; the others do within five seconds, and close what was opened with
 * it.
 *
 * @throws ServiceError `key_not_found`; what Redis throws while it is away.
 */
export function revokeKey({ apiKeys, keyRing }: RevokeKeyParts): RevokeKey {
  return async id => {
    const record = await apiKeys.find(id);
    if (record === null) throw keyNotFound();
    await apiKeys.remove([id], randomId());
    await keyRing.refresh();
    return record;
  };
}

/** The error for a key that does not exist. */
export const keyNotFound = (): ServiceError => new ServiceError('key_not_found', 'There is no such API key.');
