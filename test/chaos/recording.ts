import type { EventView, SessionView } from '../support/installation';

/** Times are epoch milliseconds of this machine, which is also Redis' clock here. */
interface Timed {
  readonly beganMs: number;
  readonly endedMs: number;
}

/** The options of a create. */
export interface Wish {
  readonly timeoutMs: number;
  readonly queueTimeoutMs: number;
  readonly idempotencyKey: string;
  readonly isProxied: boolean;
}

/** A create that was answered (`status`), or that got no answer (null). */
export interface CreateCall extends Timed {
  readonly op: 'create';
  readonly wish: Wish;
  readonly status: number | null;
  /** The id in a 2xx answer. */
  readonly id: string | null;
}

/** A read or a release of one session, and its answer. */
export interface SessionCall extends Timed {
  readonly op: 'read' | 'release';
  readonly id: string;
  readonly status: number | null;
  /** The session's status in a 2xx answer. */
  readonly shown: SessionView['status'] | null;
}

/** A call of a client. */
export type ClientCall = CreateCall | SessionCall;

/** A look into the browser of a session, in which each session leaves its id as a mark. */
export interface Visit extends Timed {
  readonly id: string;
  /** All marks that are in the browser; null if it could not be reached. */
  readonly marks: readonly string[] | null;
}

/** A session as it was read at the end of the run. */
export interface FinalSession {
  readonly id: string;
  /** Null: 404. */
  readonly view: SessionView | null;
  readonly history: readonly EventView[];
}

/** Everything that the checker knows of a run. */
export interface Recording {
  readonly calls: readonly ClientCall[];
  readonly visits: readonly Visit[];
  readonly sessions: readonly FinalSession[];
  /** The snapshots in the rows at the end, and the snapshots that their histories lead to. */
  readonly rows: readonly { readonly id: string; readonly row: unknown; readonly folded: unknown }[];
  /**
   * Browsers that were left when all sessions had ended, without those that the keeper may keep warm, plus what was
   * left of browsers when the installation had stopped.
   */
  readonly browsersLeft: number;
}
