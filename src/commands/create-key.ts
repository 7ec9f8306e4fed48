import { newKey } from '../core/api-key';
import { ServiceError } from '../core/errors';
import { randomId } from '../core/ids';
import type { Scope } from '../core/scopes';
import type { KeyRing } from '../engine/key-ring';
import { KEYS_MAX, type KeyRecord, type KeyStore } from '../store/key-store';
import type { MaintenanceStore } from '../store/maintenance-store';

/** How long a key is listed after it has expired. */
const EXPIRED_KEPT_MS = 30 * 24 * 3_600_000;

/** An API key to create. */
export interface CreateKeyRequest {
  readonly name: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** Null: it does not expire. */
  readonly expiresInMs: number | null;
  readonly actor: string;
}

/** A key, and what is stored of it. The key itself exists only here. */
export interface CreatedKey {
  readonly key: string;
  readonly record: KeyRecord;
}

/** Creates an API key. */
export type CreateKey = (request: CreateKeyRequest) => Promise<CreatedKey>;

/** Dependencies of {@link createKey}. */
export interface CreateKeyParts {
  readonly apiKeys: Pick<KeyStore, 'all' | 'add' | 'remove'>;
  readonly keyRing: Pick<KeyRing, 'refresh'>;
  readonly maintenance: Pick<MaintenanceStore, 'nowMs'>;
}

/** @throws ServiceError `too_many_keys`; what Redis throws while it is away. */
export function createKey({ apiKeys, keyRing, maintenance }: CreateKeyParts): CreateKey {
  return async ({ name, tenant, scopes, expiresInMs, actor }) => {
    const nowMs = await maintenance.nowMs();
    await forgetExpired(apiKeys, nowMs - EXPIRED_KEPT_MS);
    const { id, key, digest } = newKey();
    const record: KeyRecord = {
      ...{ id, name, tenant, scopes, digest, createdAtMs: nowMs, createdBy: actor },
      expiresAtMs: expiresInMs === null ? null : nowMs + expiresInMs,
    };
    if (!(await apiKeys.add(record, randomId()))) {
      throw new ServiceError(
        'too_many_keys',
        `The installation has ${KEYS_MAX} API keys. Revoke some of them.`,
      );
    }
    await keyRing.refresh();
    return { key, record };
  };
}

async function forgetExpired(apiKeys: CreateKeyParts['apiKeys'], beforeMs: number): Promise<void> {
  const expired = (await apiKeys.all()).filter(
    ({ expiresAtMs }) => expiresAtMs !== null && expiresAtMs < beforeMs,
  );
  if (expired.length > 0)
    await apiKeys.remove(
      expired.map(({ id }) => id),
      randomId(),
    );
}
