import { EventEmitter } from 'node:events';
import type { ChangeRefusal } from '../../machines/session/session.changes';
import type { ContextSave } from '../../machines/session/session.types';
import type { ContextChange, SessionStatus } from '../../machines/session/session.words';
import type { Clock } from '../core/clock';
import type { ContextRef, SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Traffic } from '../core/traffic';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import { StreamTail } from '../redis/stream-tail';

/** How many notices are kept, about; a reader that falls behind further re-reads rows instead. */
export const NOTICES_MAX = 10_000;

/**
 * What became of a command that committed nothing: applied before (`replayed`), not accepted in this state (`ignored`,
 * `ended`, `missing`), or refused for a reason of its own. `alive` answers a probe.
 */
export type CommandAnswer =
  | 'replayed'
  | 'ignored'
  | 'ended'
  | 'fenced'
  | 'early'
  | 'missing'
  | 'precondition_failed'
  | 'too_many_changes'
  | ChangeRefusal
  | 'alive';

/** What every process is notified of. */
export type Notice =
  | {
      readonly type: 'transition';
      readonly ref: SessionRef;
      readonly rev: number;
      readonly at: number;
      readonly opId: string;
      readonly event: string;
      readonly from: SessionStatus | null;
      readonly to: SessionStatus;
      readonly reason?: string | null;
    }
  /**
   * The answer to a command that changed nothing; a command that did is answered by the opId of its transition's
   * notice.
   */
  | { readonly type: 'outcome'; readonly opId: string; readonly answer: CommandAnswer }
  | ClosedNotice
  | ContextNotice
  /** The API keys have changed. `ref` as in {@link ContextNotice}. */
  | { readonly type: 'keys'; readonly ref: '' }
  /** The connect token of a session was rotated. */
  | {
      readonly type: 'token';
      readonly ref: '';
      readonly session: SessionRef;
      readonly generation: number;
    };

/** The browser of an ended session is gone. */
export interface ClosedNotice {
  readonly type: 'closed';
  readonly ref: SessionRef;
  /** What became of its context, if it persists. */
  readonly save?: ContextSave;
  /** What went through its forward proxy, if it had one. */
  readonly traffic?: Traffic;
}

/** A context was changed. */
export interface ContextNotice {
  readonly type: 'context';
  /** Empty: versions before this notice take every other one for a session's. */
  readonly ref: '';
  readonly context: ContextRef;
  readonly rev: number;
  readonly at: number;
  readonly change: ContextChange;
  /** The version that was saved or restored. */
  readonly version?: number;
  /** Whether it became the current one. */
  readonly isCurrent?: boolean;
}

interface NoticeEvents {
  /** With its id in the stream; ids rise. */
  notice: [notice: Notice, id: string];
  /** Notices may have been missed: waiters must read their rows again. */
  resync: [];
}

/** Publishes notices that do not come from a commit. */
export async function publishNotice(redis: Redis, notice: Notice): Promise<void> {
  await redis.xadd(keys.notices, 'MAXLEN', '~', NOTICES_MAX, '*', 'n', JSON.stringify(notice));
}

/**
 * The one tail of the notices in a process. Emits every notice, and `resync` whenever some may have been missed. Each
 * notice is sent to each process that reads them, so a process that waits for one now and then reads only meanwhile.
 */
export class NoticeStream extends EventEmitter<NoticeEvents> {
  #lastReadMs = -Infinity;
  #readers = 0;
  #tail: StreamTail | null = null;
  #opened: Promise<void> | null = null;

  /** @param connect - opens a connection for reading alone; it blocks */
  constructor(
    private readonly connect: () => Redis,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {
    super();
    this.setMaxListeners(0);
  }

  /**
   * Milliseconds since the blocking read last returned: it shows whether this connection works, which a PING on another
   * one does not.
   */
  get silentForMs(): number {
    return this.clock.monotonicMs() - this.#lastReadMs;
  }

  /** Reads from the newest notice on, until {@link close}; resolves once the position is known. */
  async start(): Promise<void> {
    this.#readers += 1;
    await this.#open();
  }

  /** Reads while `work` runs: it hears all notices from its first line on. Nothing more if they are read anyway. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#readers += 1;
    try {
      await this.#open();
      return await work();
    } finally {
      this.#readers -= 1;
      if (this.#readers === 0) await this.close();
    }
  }

  /** Stops reading and closes the connection. */
  async close(): Promise<void> {
    const tail = this.#tail;
    [this.#tail, this.#opened] = [null, null];
    await tail?.stop();
  }

  #open(): Promise<void> {
    this.#tail ??= this.#newTail();
    return (this.#opened ??= this.#tail.start());
  }

  #newTail(): StreamTail {
    return new StreamTail({
      redis: this.connect(),
      stream: keys.notices,
      log: this.log,
      // SAFETY: only the Lua scripts and publishNotice write the stream.
      onEntry: (json, id) => this.emit('notice', JSON.parse(json) as Notice, id),
      onGap: () => this.emit('resync'),
      onRead: () => (this.#lastReadMs = this.clock.monotonicMs()),
    });
  }
}
