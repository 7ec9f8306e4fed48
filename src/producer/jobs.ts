import type { ForeignOptions } from '../client/foreign-options';
import type { NewCookie } from '../client/browser-options';
import type { CreateOptions, LiveSessionData, SessionData, UpdateOptions } from '../client/session';

/* The contract of the queue, version 1, as types. Durations are milliseconds, times ISO 8601 in UTC. */

/** The options of a session: the fields of `POST /v1/sessions`. */
export type CreateData = Omit<CreateOptions, keyof ForeignOptions>;

/** The key by which jobs are deduplicated. */
export interface Deduplicated {
  /**
   * Jobs with the same key create one session, for 24 hours; of those with steps only the first runs, others fail with
   * `duplicate`. Left out: every job is separate.
   */
  readonly dedupKey?: string;
}

/** The changes to a session: the fields of `PATCH /v1/sessions/{id}`. */
export type ExtendData = UpdateOptions;

interface Timed {
  /** How long the step may take. Default 30 000. */
  readonly timeout?: number;
}

interface Named {
  /** The name of the output in the result. */
  readonly name?: string;
}

/** One step in a session. */
export type RunStep =
  | ({
      readonly do: 'goto';
      readonly url: string;
      readonly waitUntil?: 'load' | 'domcontentloaded' | 'networkidle' | 'commit';
    } & Timed)
  | ({
      readonly do: 'wait';
      readonly selector?: string;
      readonly state?: 'visible' | 'hidden' | 'attached' | 'detached';
      readonly ms?: number;
      readonly url?: string;
    } & Timed)
  | ({ readonly do: 'click'; readonly selector: string } & Timed)
  | ({ readonly do: 'type'; readonly selector: string; readonly text: string } & Timed)
  | ({ readonly do: 'press'; readonly key: string; readonly selector?: string } & Timed)
  | ({ readonly do: 'select'; readonly selector: string; readonly values: readonly string[] } & Timed)
  | ({
      readonly do: 'extract';
      readonly selector: string;
      readonly take?: 'text' | 'html';
      readonly attribute?: string;
      readonly all?: boolean;
    } & Timed &
      Named)
  | ({
      readonly do: 'screenshot';
      readonly selector?: string;
      readonly fullPage?: boolean;
      readonly type?: 'png' | 'jpeg';
    } & Timed &
      Named)
  | ({ readonly do: 'pdf' } & Timed & Named)
  | ({ readonly do: 'cookies'; readonly set?: readonly NewCookie[] } & Named);

/** Steps in an existing session (`sessionId`), or in a new one (`session`). */
export interface RunData {
  readonly steps: readonly RunStep[];
  readonly sessionId?: string;
  readonly session?: CreateData;
  /** What to do with the session afterwards, also when a step has failed. Default: `release`. */
  readonly then?: 'release' | 'keep';
}

/** A session as the service has answered it; its members depend on its `status`. */
export type SessionView = SessionData;

/** A session that clients can connect to. */
export type LiveSessionView = LiveSessionData;

/** Id, status and end reason of a session. */
export interface SessionOutcome {
  readonly id: string;
  readonly status: SessionView['status'];
  readonly endReason: string | null;
}

/** A document that the service keeps for an hour. */
export interface OutputFile {
  readonly id: string;
  /** Complete and self-authorising. */
  readonly url: string;
  readonly contentType: string;
  readonly bytes: number;
}

/** The output of a step: a value, or a file if it is a document or large. */
export interface Output {
  /** 1 for the first step. */
  readonly step: number;
  readonly name?: string;
  readonly value?: unknown;
  readonly file?: OutputFile;
}

/** The result of a `session.run`. */
export interface RunResult {
  readonly session: SessionOutcome;
  readonly outputs: readonly Output[];
}

/** The progress of a job. */
export type Progress =
  | { readonly state: 'queued'; readonly sessionId: string; readonly position: number | null }
  | { readonly state: 'launching' | 'live'; readonly sessionId: string }
  | { readonly state: 'step'; readonly sessionId: string; readonly step: number; readonly of: number }
  /** The step that failed, and the outputs of the steps before it. */
  | {
      readonly state: 'failed';
      readonly sessionId: string;
      readonly step: number;
      readonly of: number;
      readonly outputs: readonly Output[];
    };
