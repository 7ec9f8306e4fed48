import { pause } from '../core/abort';
import { messageOf } from '../core/errors';
import { parseRef } from '../core/ids';
import type { Logger } from '../core/logger';
import { Wakeup } from '../core/wakeup';
import { isAfter, type EventLog, type PlacedNotice } from '../store/event-log';
import type { ContextNotice, Notice, NoticeStream } from '../store/notice-stream';

/** How many notices wait for one consumer; a slower consumer reads the stream instead. */
const INBOX_MAX = 100;

/** Notices of all tenants that are read at a time while catching up. */
const PAGE = 200;

const RETRY_MS = 1_000;

/** A notice that concerns a session. */
export type SessionNotice = Exclude<Notice, { readonly type: 'outcome' | 'context' | 'keys' | 'token' }>;

/** A notice about something of a tenant. */
type TenantNotice =
  | { readonly type: 'session'; readonly sessionId: string; readonly notice: SessionNotice }
  | { readonly type: 'context'; readonly contextId: string; readonly notice: ContextNotice };

/** What a follower of a tenant gets, with the position in the stream. */
export type TenantFeedItem =
  | (TenantNotice & { readonly id: string })
  /** Notices may have been missed: the feed continues at this position. */
  | { readonly type: 'reset'; readonly id: string };

/** Dependencies of {@link TenantFeed}. */
export interface TenantFeedParts {
  readonly notices: Pick<NoticeStream, 'on' | 'off'>;
  readonly eventLog: Pick<EventLog, 'noticesSince' | 'newestNoticeId'>;
  readonly log: Logger;
}

/** Opens a feed of a tenant's sessions and contexts after a certain notice; null: from now on. */
export type FollowTenant = (tenant: string, afterId: string | null) => Promise<TenantFeed>;

/** @throws what Redis throws while it is away. */
export function followTenant(parts: TenantFeedParts): FollowTenant {
  return async (tenant, afterId) => {
    // Read even if the answer is not needed, so that the request fails at once while Redis is away.
    const newestId = await parts.eventLog.newestNoticeId();
    return new TenantFeed(parts, tenant, afterId ?? newestId);
  };
}

/**
 * Notices about all sessions and contexts of one tenant, in order, from the process' one tail of the notices. A
 * consumer that is too slow for its inbox, or had a gap in the tail, catches up from the stream itself. It gets `reset`
 * only if its position is no longer in the stream.
 */
export class TenantFeed {
  readonly #wakeup = new Wakeup();
  /* Notices of the tail after `#position`; complete unless the feed is behind. */
  #inbox: PlacedNotice[] = [];
  #state: 'behind' | 'catching up' | 'live' = 'behind';
  #position: string;

  /** @param afterId - the last notice that the consumer knows */
  constructor(
    private readonly parts: TenantFeedParts,
    private readonly tenant: string,
    afterId: string,
  ) {
    this.#position = afterId;
  }

  /** Every notice up to this position was delivered, or concerns other tenants. */
  get position(): string {
    return this.#position;
  }

  /** Yields until the signal is aborted. May be called once. */
  async *items(signal: AbortSignal): AsyncGenerator<TenantFeedItem, void> {
    const { notices } = this.parts;
    notices.on('notice', this.#onNotice);
    notices.on('resync', this.#fallBehind);
    try {
      while (!signal.aborted) {
        const next = this.#state === 'live' ? this.#inbox.shift() : undefined;
        if (next !== undefined) yield* this.#deliver([next]);
        else if (this.#state === 'live') await this.#wakeup.wait(signal);
        else yield* this.#catchUp(signal);
      }
    } finally {
      notices.off('notice', this.#onNotice);
      notices.off('resync', this.#fallBehind);
    }
  }

  readonly #onNotice = (notice: Notice, id: string): void => {
    if (this.#state === 'behind') return;
    if (noticeOf(notice, this.tenant) === null) {
      // Advances the position past notices of other tenants, so that it is not trimmed from the stream.
      if (this.#state === 'live' && this.#inbox.length === 0) this.#position = id;
    } else if (this.#inbox.length < INBOX_MAX) {
      this.#inbox.push({ notice, id });
      this.#wakeup.notify();
    } else this.#fallBehind();
  };

  readonly #fallBehind = (): void => {
    this.#inbox = [];
    this.#state = 'behind';
    this.#wakeup.notify();
  };

  async *#catchUp(signal: AbortSignal): AsyncGenerator<TenantFeedItem, void> {
    // Set before the first read: notices of the tail go to the inbox from here on.
    this.#state = 'catching up';
    for (let isLast = false; !isLast && !signal.aborted;) {
      const page = await this.#read();
      if (page === null) {
        this.#fallBehind();
        await pause(RETRY_MS, signal);
        return;
      }
      if (page.isReset) yield { type: 'reset', id: this.#position };
      yield* this.#deliver(page.notices);
      isLast = page.notices.length < PAGE;
    }
    // The state is `behind` again if the inbox has overflowed meanwhile.
    if (this.#state === 'catching up') this.#state = 'live';
  }

  async #read(): Promise<{ isReset: boolean; notices: readonly PlacedNotice[] } | null> {
    const { eventLog, log } = this.parts;
    try {
      const notices = await eventLog.noticesSince(this.#position, PAGE);
      if (notices !== null) return { isReset: false, notices };
      this.#position = await eventLog.newestNoticeId();
      return { isReset: true, notices: [] };
    } catch (error) {
      log.debug(
        { tenant: this.tenant, reason: messageOf(error) },
        'the notices for an event stream could not be read',
      );
      return null;
    }
  }

  *#deliver(notices: readonly PlacedNotice[]): Generator<TenantFeedItem, void> {
    for (const { notice, id } of notices) {
      // Skips notices that came both from the stream and from the tail.
      if (!isAfter(id, this.#position)) continue;
      this.#position = id;
      const ofTenant = noticeOf(notice, this.tenant);
      if (ofTenant !== null) yield { id, ...ofTenant };
    }
  }
}

const isOfNobody = (
  notice: Notice,
): notice is Extract<Notice, { readonly type: 'outcome' | 'keys' | 'token' }> =>
  notice.type === 'outcome' || notice.type === 'keys' || notice.type === 'token';

/* A notice as one of this tenant; null: it is another tenant's, or nobody's. */
function noticeOf(notice: Notice, tenant: string): TenantNotice | null {
  if (isOfNobody(notice)) return null;
  const named = parseRef(notice.type === 'context' ? notice.context : notice.ref);
  if (named?.tenant !== tenant) return null;
  return notice.type === 'context'
    ? { type: 'context', contextId: named.id, notice }
    : { type: 'session', sessionId: named.id, notice };
}
