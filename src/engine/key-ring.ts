import { hasDigest, idOfKey } from '../core/api-key';
import type { Clock } from '../core/clock';
import { messageOf, ServiceError } from '../core/errors';
import type { Logger } from '../core/logger';
import type { KeyRecord, KeyStore, LoadedKeys } from '../store/key-store';
import type { Notice, NoticeStream } from '../store/notice-stream';

/** How often a process asks whether the keys have changed, if a notice was lost. */
const CHECK_EVERY_MS = 2_000;

/** How long the known keys go on while Redis is away. */
const KEYS_COUNT_MS = 60_000;

/** How often the use of one key is noted by one process. */
const NOTE_USE_EVERY_MS = 60_000;

/** A stored key that a process knows. */
export interface HeldKey extends KeyRecord {
  /** Aborted when the key is revoked or has expired. */
  readonly revoked: AbortSignal;
}

interface Entry {
  readonly held: HeldKey;
  readonly digest: Buffer;
  readonly end: AbortController;
  usedAtMs: number;
}

/** Dependencies of {@link KeyRing}. */
export interface KeyRingParts {
  readonly apiKeys: Pick<KeyStore, 'load' | 'noteUse'>;
  readonly notices: Pick<NoticeStream, 'on' | 'off'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The stored API keys, in the memory of a process: a request with a key asks Redis nothing. A notice tells of every
 * change; every two seconds the process asks, too. A key that is not known is looked for once more, since it may have
 * been created a moment ago by another process.
 */
export class KeyRing {
  readonly #entries = new Map<string, Entry>();
  /** Undefined: nothing was read yet. */
  #version: string | null | undefined = undefined;
  /** When Redis was last asked, and its clock against ours. */
  #checkedAtMs = -Infinity;
  #aheadMs = 0;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly parts: KeyRingParts) {}

  /** Reads the keys; then follows their changes. While Redis is away it starts with none. */
  async start(): Promise<void> {
    const { notices } = this.parts;
    notices.on('notice', this.#onNotice);
    notices.on('resync', this.#check);
    this.#timer = setInterval(this.#check, CHECK_EVERY_MS);
    await this.refresh().catch(this.#onFailure);
  }

  /** Stops; the known keys stay known for a while. */
  stop(): void {
    const { notices } = this.parts;
    notices.off('notice', this.#onNotice);
    notices.off('resync', this.#check);
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /**
   * The stored key that a text is; null if it is none, or not any more.
   *
   * @throws what Redis throws, if it has to be asked; ServiceError `redis_unavailable`, if it was away for too long.
   */
  async find(text: string): Promise<HeldKey | null> {
    const id = idOfKey(text);
    if (id === null) return null;
    if (!this.#entries.has(id) || this.#isOutdated) await this.refresh();
    if (this.#isOutdated) throw new ServiceError('redis_unavailable', 'The API keys could not be read.');
    const entry = this.#entries.get(id);
    if (entry === undefined || !hasDigest(text, entry.digest) || this.#isOver(entry)) return null;
    this.#noteUse(id, entry);
    return entry.held;
  }

  /** Reads the keys again, if they have changed. A read that began earlier does not count. */
  async refresh(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#load().finally(() => (this.#running = null));
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.refresh();
      });
    return this.#next;
  }

  get #isOutdated(): boolean {
    return this.parts.clock.monotonicMs() - this.#checkedAtMs > KEYS_COUNT_MS;
  }

  async #load(): Promise<void> {
    const askedAtMs = this.parts.clock.monotonicMs();
    const loaded = await this.parts.apiKeys.load(this.#version);
    this.#checkedAtMs = askedAtMs;
    this.#aheadMs = loaded.nowMs - askedAtMs;
    this.#version = loaded.version;
    if (loaded.records !== null) this.#replace(loaded.records);
    for (const entry of this.#entries.values()) if (this.#isOver(entry)) entry.end.abort();
  }

  #replace(records: NonNullable<LoadedKeys['records']>): void {
    const ids = new Set(records.map(({ id }) => id));
    for (const [id, { end }] of this.#entries) {
      if (ids.has(id)) continue;
      this.#entries.delete(id);
      end.abort();
    }
    for (const record of records) {
      if (this.#entries.has(record.id)) continue;
      const end = new AbortController();
      const held = { ...record, revoked: end.signal };
      const digest = Buffer.from(record.digest, 'hex');
      this.#entries.set(record.id, { held, digest, end, usedAtMs: -Infinity });
    }
  }

  #isOver({ held: { expiresAtMs } }: Entry): boolean {
    return expiresAtMs !== null && expiresAtMs <= this.parts.clock.monotonicMs() + this.#aheadMs;
  }

  #noteUse(id: string, entry: Entry): void {
    const { apiKeys, clock, log } = this.parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - entry.usedAtMs < NOTE_USE_EVERY_MS) return;
    entry.usedAtMs = nowMs;
    apiKeys.noteUse(id, Math.floor(nowMs + this.#aheadMs)).catch((error: unknown) => {
      log.debug({ keyId: id, reason: messageOf(error) }, 'the use of an API key could not be noted');
    });
  }

  readonly #onNotice = ({ type }: Notice): void => {
    if (type === 'keys') this.#check();
  };

  readonly #check = (): void => {
    this.refresh().catch(this.#onFailure);
  };

  readonly #onFailure = (error: unknown): void => {
    this.parts.log.debug({ reason: messageOf(error) }, 'the API keys could not be read');
  };
}
