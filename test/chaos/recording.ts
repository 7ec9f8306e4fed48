import type { EventView, SessionView } from '../support/installation';

/** Times are epoch milliseconds of this machine, which is also Redis' clock here. */
interface Timed {
  readonly beganMs: number;
  readonly endedMs: number;
}

/** What a create asked for, as far as the checker judges by it. */
export interface Wish {
  readonly timeoutMs: number;
  readonly queueTimeoutMs: number;
  readonly idempotencyKey: string;
}

/** A create that was answered (`status`), or whose answer nobody heard (null). */
export interface CreateCall extends Timed {
  readonly op: 'create';
  readonly wish: Wish;
  readonly status: number | null;
  /** The id in a 2xx answer. */
  readonly id: string | null;
}

/** A read or a release of one session, and what it showed. */
export interface SessionCall extends Timed {
  readonly op: 'read' | 'release';
  readonly id: string;
  readonly status: number | null;
  /** The session's status in a 2xx answer. */
  readonly shown: SessionView['status'] | null;
}

/** Something a client did. */
export type ClientCall = CreateCall | SessionCall;

/** A session as it was read when everything was over. */
export interface FinalSession {
  readonly id: string;
  /** Null: 404. */
  readonly view: SessionView | null;
  readonly history: readonly EventView[];
}

/** Everything the checker knows of a run. */
export interface Recording {
  readonly calls: readonly ClientCall[];
  readonly sessions: readonly FinalSession[];
  /** What the rows hold in the end, and what their histories lead to. */
  readonly rows: readonly { readonly id: string; readonly row: unknown; readonly folded: unknown }[];
  /** Browser processes that were left when everything was over. */
  readonly browsersLeft: number;
}
