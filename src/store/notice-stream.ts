import { EventEmitter } from 'node:events';
import type { ChangeRefusal } from '../../machines/session/session.changes';
import type { SessionStatus } from '../../machines/session/session.words';
import type { Clock } from '../core/clock';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
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

/** What every process hears of. */
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
  /** A command that changed nothing has been answered; one that did is told by its transition's opId. */
  | { readonly type: 'outcome'; readonly opId: string; readonly answer: CommandAnswer }
  /** The browser of an ended session is gone. */
  | { readonly type: 'closed'; readonly ref: SessionRef };

interface NoticeEvents {
  /** With its id in the stream, which rises. */
  notice: [notice: Notice, id: string];
  /** Notices may have been missed: whoever waits must read its row again. */
  resync: [];
}

/** Publishes notices that no commit script carries. */
export async function publishNotice(redis: Redis, notice: Notice): Promise<void> {
  await redis.xadd(keys.notices, 'MAXLEN', '~', NOTICES_MAX, '*', 'n', JSON.stringify(notice));
}

/**
 * The one tail of the notices in a process. Emits every notice, and `resync` whenever it cannot be sure to have seen all.
 */
export class NoticeStream extends EventEmitter<NoticeEvents> {
  #lastReadMs = -Infinity;
  readonly #tail: StreamTail;

  /** @param redis - a connection of its own; it blocks */
  constructor(
    redis: Redis,
    private readonly clock: Clock,
    log: Logger,
  ) {
    super();
    this.setMaxListeners(0);
    this.#tail = new StreamTail({
      redis,
      stream: keys.notices,
      log,
      // SAFETY: the stream is written by our scripts and publishNotice only.
      onEntry: (json, id) => this.emit('notice', JSON.parse(json) as Notice, id),
      onGap: () => this.emit('resync'),
      onRead: () => (this.#lastReadMs = this.clock.monotonicMs()),
    });
  }

  /** Milliseconds since the blocking read last came back: the truth about this path, unlike a PING. */
  get silentForMs(): number {
    return this.clock.monotonicMs() - this.#lastReadMs;
  }

  /** Starts tailing at the newest notice; resolves once the position is known. */
  async start(): Promise<void> {
    await this.#tail.start();
  }

  /** Stops tailing and closes the connection. */
  async stop(): Promise<void> {
    await this.#tail.stop();
  }
}
