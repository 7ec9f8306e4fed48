import type { Scope } from '../core/scopes';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import { NOTICES_MAX, type Notice } from './notice-stream';

/** How many API keys an installation may have. */
export const KEYS_MAX = 10_000;

/** An API key as it is stored: never the key itself. */
export interface KeyRecord {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** SHA-256 of the key, hex. */
  readonly digest: string;
  readonly createdAtMs: number;
  /** The actor that has created it. */
  readonly createdBy: string;
  /** Redis `TIME`; null: never. */
  readonly expiresAtMs: number | null;
}

/** All keys at one moment of Redis `TIME`. */
export interface LoadedKeys {
  readonly nowMs: number;
  readonly version: string | null;
  /** Null: they are those of the version that is known already. */
  readonly records: readonly KeyRecord[] | null;
}

/** The API keys of the installation. Every change gives their set another version, and is noticed by every process. */
export class KeyStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** Reads the version, and the keys if it is not `known`; undefined: nothing is known. */
  async load(known: string | null | undefined): Promise<LoadedKeys> {
    const [seconds, micros] = await this.redis.time();
    const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    const current = await this.redis.get(keys.apiKeysVersion);
    if (current === known) return { nowMs, version: current, records: null };
    // The version first: a change in between is then read again with the next version.
    return { nowMs, version: current, records: await this.all() };
  }

  /** Every key. */
  async all(): Promise<KeyRecord[]> {
    const fields = await this.redis.hvals(keys.apiKeys);
    // SAFETY: only `add` writes them.
    return fields.map(json => JSON.parse(json) as KeyRecord);
  }

  /** One key; null if there is no such key. */
  async find(id: string): Promise<KeyRecord | null> {
    const json = await this.redis.hget(keys.apiKeys, id);
    // SAFETY: only `add` writes it.
    return json === null ? null : (JSON.parse(json) as KeyRecord);
  }

  /** Stores a key; false if there are {@link KEYS_MAX} already. A repeat changes nothing. */
  async add(record: KeyRecord, version: string): Promise<boolean> {
    const reply = await this.scripts.run(
      'addKey',
      [keys.apiKeys, keys.apiKeysVersion, keys.notices],
      [record.id, JSON.stringify(record), KEYS_MAX, version, JSON.stringify(CHANGED), NOTICES_MAX],
    );
    return reply === 1;
  }

  /** Forgets keys: they count nowhere any more. */
  async remove(ids: readonly string[], version: string): Promise<void> {
    await this.redis
      .multi()
      .hdel(keys.apiKeys, ...ids)
      .hdel(keys.apiKeysUsed, ...ids)
      .set(keys.apiKeysVersion, version)
      .xadd(keys.notices, 'MAXLEN', '~', NOTICES_MAX, '*', 'n', JSON.stringify(CHANGED))
      .exec();
  }

  /** Notes that a key was used. */
  async noteUse(id: string, atMs: number): Promise<void> {
    await this.redis.hset(keys.apiKeysUsed, id, atMs);
  }

  /** When keys were last used, epoch milliseconds by id. */
  async uses(): Promise<ReadonlyMap<string, number>> {
    const used = await this.redis.hgetall(keys.apiKeysUsed);
    return new Map(Object.entries(used).map(([id, atMs]) => [id, Number(atMs)]));
  }
}

const CHANGED: Notice = { type: 'keys', ref: '' };
