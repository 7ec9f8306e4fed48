import { statusOf } from '../../../machines/session/session.view';
import { isEnded } from '../../../machines/session/session.words';
import { ServiceError, messageOf } from '../../core/errors';
import type { SessionRef } from '../../core/ids';
import type { Logger } from '../../core/logger';
import type { SplicedBytes } from '../../core/splice';
import { sessionNotFound } from '../../engine/not-found';
import { endedAs, sessionEnded } from '../../engine/session-ended';
import { tokenRotated } from '../../engine/token-generation';
import type { Notice, NoticeStream } from '../../store/notice-stream';
import type { SessionStore } from '../../store/session-store';
import type { AskedBrowser } from './door';

/** One client that connects to a session, or is attached to it. */
export interface SplicedClient {
  /**
   * Aborted when the session has ended, or the key of the client is revoked: every connection of this client must be
   * closed at once.
   */
  readonly ended: AbortSignal;
  /** The error that a client would get if it connected now; null while the session has not ended. */
  readonly why: () => ServiceError | null;
  /** The client is connected: from here on it is counted, and so are its bytes. */
  readonly attached: (bytes: () => SplicedBytes) => void;
  /** The client is gone. */
  readonly leave: () => void;
}

interface Entry {
  readonly end: AbortController;
  /** Of the connect token; null: it came with a key. */
  readonly generation: number | null;
  why: ServiceError | null;
  /** Null until it is attached. */
  bytes: (() => SplicedBytes) | null;
}

/** Dependencies of {@link SplicedClients}. */
export interface SplicedClientsParts {
  readonly notices: Pick<NoticeStream, 'on' | 'off'>;
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly log: Logger;
  /** Called after each attach and detach. */
  readonly onChange: () => void;
}

/**
 * The clients that this process carries, by session. It admits none after the end of their session (I3), and
 * disconnects those that are attached on the notice of the end, not only when the browser exits. After a gap in the
 * notices it reads the rows.
 */
export class SplicedClients {
  readonly #bySession = new Map<SessionRef, Set<Entry>>();
  #bytesOfGone: SplicedBytes = { fromClient: 0, toClient: 0 };

  constructor(private readonly parts: SplicedClientsParts) {
    parts.notices.on('notice', this.#onNotice);
    parts.notices.on('resync', this.#onResync);
  }

  /**
   * Registers a client. Call before the session is read: an end after the read aborts `ended`, an end before it is in
   * the row.
   */
  enter(
    ref: SessionRef,
    { revoked = null, generation = null }: Pick<AskedBrowser, 'revoked' | 'generation'> = {},
  ): SplicedClient {
    const entry: Entry = { end: new AbortController(), generation, why: null, bytes: null };
    const onRevoked = (): void => endEntry(entry, keyRevoked());
    revoked?.addEventListener('abort', onRevoked, { once: true });
    if (revoked?.aborted === true) onRevoked();
    const entries = this.#bySession.get(ref) ?? new Set();
    this.#bySession.set(ref, entries.add(entry));
    return {
      ended: entry.end.signal,
      why: () => entry.why,
      attached: bytes => {
        entry.bytes = bytes;
        this.parts.onChange();
      },
      leave: () => {
        if (!entries.delete(entry)) return;
        revoked?.removeEventListener('abort', onRevoked);
        if (entries.size === 0 && this.#bySession.get(ref) === entries) this.#bySession.delete(ref);
        if (entry.bytes === null) return;
        this.#bytesOfGone = sum([this.#bytesOfGone, entry.bytes()]);
        this.parts.onChange();
      },
    };
  }

  /** How many clients are attached, by session. */
  counts(): Map<SessionRef, number> {
    const counts = new Map<SessionRef, number>();
    for (const [ref, entries] of this.#bySession) {
      const attached = [...entries].filter(({ bytes }) => bytes !== null).length;
      if (attached > 0) counts.set(ref, attached);
    }
    return counts;
  }

  /** How many clients are attached in all. */
  get size(): number {
    return [...this.counts().values()].reduce((sum, count) => sum + count, 0);
  }

  /** Bytes carried since the start, for clients that are gone and for attached ones. */
  get bytes(): SplicedBytes {
    const here = [...this.#bySession.values()].flatMap(entries => [...entries]);
    return sum([this.#bytesOfGone, ...here.flatMap(({ bytes }) => (bytes === null ? [] : [bytes()]))]);
  }

  /** Disconnects every client and stops listening. */
  close(): void {
    this.parts.notices.off('notice', this.#onNotice);
    this.parts.notices.off('resync', this.#onResync);
    for (const ref of [...this.#bySession.keys()]) this.#end(ref, shuttingDown());
  }

  readonly #onNotice = (notice: Notice): void => {
    if (notice.type === 'token') this.#endRotated(notice.session, notice.generation);
    if (notice.type !== 'transition' || !isEnded(notice.to)) return;
    this.#end(notice.ref, endedAs(notice.to, notice.reason ?? null));
  };

  readonly #onResync = (): void => {
    for (const ref of this.#bySession.keys()) void this.#endIfOver(ref);
  };

  #end(ref: SessionRef, why: ServiceError): void {
    for (const entry of [...(this.#bySession.get(ref) ?? [])]) endEntry(entry, why);
  }

  /* Those with an older token than the current one. */
  #endRotated(ref: SessionRef, current: number): void {
    for (const entry of [...(this.#bySession.get(ref) ?? [])])
      if (entry.generation !== null && entry.generation < current) endEntry(entry, tokenRotated());
  }

  async #endIfOver(ref: SessionRef): Promise<void> {
    try {
      const { record } = await this.parts.sessions.read(ref);
      if (record === null) this.#end(ref, sessionNotFound());
      else if (isEnded(statusOf(record.snapshot))) this.#end(ref, sessionEnded(record.snapshot));
      else this.#endRotated(ref, record.tokenGeneration);
    } catch (error) {
      // Redis is away again; the next resync comes when it is back.
      this.parts.log.debug(
        { session: ref, reason: messageOf(error) },
        'could not read whether a session has ended',
      );
    }
  }
}

function endEntry(entry: Entry, why: ServiceError): void {
  entry.why ??= why;
  entry.end.abort();
}

const keyRevoked = (): ServiceError =>
  new ServiceError('unauthorized', 'The API key of this connection is not valid any more.');

const sum = (counts: readonly SplicedBytes[]): SplicedBytes => ({
  fromClient: counts.reduce((total, { fromClient }) => total + fromClient, 0),
  toClient: counts.reduce((total, { toClient }) => total + toClient, 0),
});

/** @see SplicedClients.close */
export const shuttingDown = (): ServiceError =>
  new ServiceError('shutting_down', 'This process is shutting down. Connect again.');
