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

/** Why a job is put into quarantine. */
export type BadJobReason = 'oversized' | 'malformed' | 'unknown_name' | 'failed' | 'endless';

/** Dependencies of the jobs: the same commands, queries, schemas and views as the routes of the API. */
export interface IngressParts extends JobParsers {
  readonly createSession: CreateSession;
  readonly updateSession: UpdateSession;
  readonly releaseSession: ReleaseSession;
  readonly getSession: GetSession;
  readonly awaitSession: AwaitSession;
  readonly views: SessionViews;
  /** The tenant of the sessions that jobs create and access. */
  readonly tenant: string;
  readonly runs: RunParts;
  /** Puts a bad job into quarantine. Never throws. */
  readonly quarantine: (job: IngressJob, reason: BadJobReason, detail: string) => Promise<void>;
  readonly log: Logger;
}

/** Dependencies of jobs with steps. */
export interface RunParts {
  readonly store: Pick<RunStore, 'otherOf' | 'load' | 'save' | 'forget'>;
  readonly files: Pick<FileStore, 'keep'>;
  /** The link of a file, complete and self-authorising. */
  readonly fileUrl: (fileId: string) => string;
  /** Loads what steps need; takes long the first time only. */
  readonly prepare: () => Promise<void>;
  /** Connects to the first page of a live session. @throws ServiceError `session_ended`, `browser_unreachable`, … */
  readonly openPage: (ref: SessionRef, signal: AbortSignal) => Promise<StepPage>;
  /** Notes activity in the session, for its idle time-out. */
  readonly noteActivity: (ref: SessionRef) => Promise<void>;
}
