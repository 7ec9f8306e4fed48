import type { KeyRecord, KeyStore } from '../store/key-store';

/** Which keys to list. */
export interface ListKeysRequest {
  /** Null: those of every tenant. */
  readonly tenant: string | null;
  /** Null: from the newest one on. */
  readonly cursor: string | null;
  readonly limit: number;
}

/** A key with its last use. */
export interface FoundKey extends KeyRecord {
  /** Rounded down: a use is noted once a minute. Null: never. */
  readonly lastUsedAtMs: number | null;
}

/** One page of keys, newest first. */
export interface KeyPage {
  readonly keys: readonly FoundKey[];
  readonly nextCursor: string | null;
}

/** Lists the API keys of the installation. */
export type ListKeys = (request: ListKeysRequest) => Promise<KeyPage>;

/** @throws what Redis throws while it is away. */
export function listKeys(apiKeys: Pick<KeyStore, 'all' | 'uses'>): ListKeys {
  return async ({ tenant, cursor, limit }) => {
    const [all, uses] = await Promise.all([apiKeys.all(), apiKeys.uses()]);
    const rest = all
      .filter(key => tenant === null || key.tenant === tenant)
      .map(key => ({ place: placeOf(key), key: { ...key, lastUsedAtMs: uses.get(key.id) ?? null } }))
      .filter(({ place }) => cursor === null || place < cursor)
      .sort((one, other) => (one.place < other.place ? 1 : -1));
    const page = rest.slice(0, limit);
    return {
      keys: page.map(({ key }) => key),
      nextCursor: rest.length > limit ? (page.at(-1)?.place ?? null) : null,
    };
  };
}

/** Whether a text can be the cursor of a page. */
export const isKeyCursor = (text: string): boolean => /^[0-9a-f]{28}$/.test(text);

/* Sorts by time of creation. */
const placeOf = ({ createdAtMs, id }: KeyRecord): string => createdAtMs.toString(16).padStart(12, '0') + id;
