import type { SessionViews } from '../contract/session-view';
import type { JobParsers } from './read-job';
import type { StepPage } from '../browser/run-steps';
import type { CreateSession } from '../commands/create-session';
import type { ReleaseSession } from '../commands/release-session';
import type { UpdateSession } from '../commands/update-session';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { AwaitSession } from '../queries/await-session';
import type { GetSession } from '../queries/get-session';
import type { IngressJob } from '../queue/ingress-job';
import type { FileStore } from '../store/file-store';
import type { RunStore } from '../store/run-store';

/** Why a job is kept for people to look at. */
export type BadJobReason = 'oversized' | 'malformed' | 'unknown_name' | 'failed' | 'endless';

/** What the jobs work with: the same commands, queries, schemas and views as the routes of the API. */
export interface IngressParts extends JobParsers {
  readonly createSession: CreateSession;
  readonly updateSession: UpdateSession;
  readonly releaseSession: ReleaseSession;
  readonly getSession: GetSession;
  readonly awaitSession: AwaitSession;
  readonly views: SessionViews;
  /** Whose sessions the jobs make and touch. */
  readonly tenant: string;
  readonly runs: RunParts;
  /** Keeps a bad job. Never throws. */
  readonly contain: (job: IngressJob, reason: BadJobReason, detail: string) => Promise<void>;
  readonly log: Logger;
}

/** What steps are run with. */
export interface RunParts {
  readonly store: Pick<RunStore, 'otherOf' | 'load' | 'save' | 'forget'>;
  readonly files: Pick<FileStore, 'keep'>;
  /** Where a file is fetched from, complete and self-authorising. */
  readonly fileUrl: (fileId: string) => string;
  /** Makes ready for steps; takes long the first time only. */
  readonly prepare: () => Promise<void>;
  /** Takes the first page of a live session. @throws HoldfastError `session_ended`, `browser_unreachable`, … */
  readonly openPage: (ref: SessionRef, signal: AbortSignal) => Promise<StepPage>;
  /** Says that something happens in the session, for its idle time-out. */
  readonly noteActivity: (ref: SessionRef) => Promise<void>;
}
