import type { SessionStatus } from '../../machines/session/session.words';
import type { CreateContext } from '../commands/create-context';
import type { CreateKey } from '../commands/create-key';
import type { CreateSession } from '../commands/create-session';
import type { DeleteContext } from '../commands/delete-context';
import type { DrainWorker } from '../commands/drain-worker';
import type { ImportStorageState } from '../commands/import-storage-state';
import type { KeepFile } from '../commands/keep-file';
import type { KeepAlive } from '../commands/keep-alive';
import type { RecordAudit, RecordRelease } from '../commands/record-audit';
import type { ReleaseAll } from '../commands/release-all';
import type { ReleaseSession } from '../commands/release-session';
import type { RevokeKey } from '../commands/revoke-key';
import type { RestoreVersion } from '../commands/restore-version';
import type { DiscardJob, RetryJob } from '../commands/retry-job';
import type { UpdateContext } from '../commands/update-context';
import type { SaveContext } from '../commands/save-context';
import type { UpdateSession } from '../commands/update-session';
import type { RotateToken } from '../commands/rotate-token';
import type { FindBrowser, FindDevTools, FindKeeper } from '../engine/live-browser';
import type { AwaitSession } from '../queries/await-session';
import type { CursorAfter } from '../queries/cursor-after';
import type { CountSessions } from '../queries/count-sessions';
import type { FollowSession } from '../queries/follow-session';
import type { FollowTenant } from '../queries/follow-tenant';
import type { GetContext, ListVersions } from '../queries/get-context';
import type { GetSession } from '../queries/get-session';
import type { ListContexts } from '../queries/list-contexts';
import type { ListKeys } from '../queries/list-keys';
import type { ListSessions } from '../queries/list-sessions';
import type { GetCapacity, ListWorkers } from '../queries/list-workers';
import type { GetLiveDetails } from '../queries/live-details';
import type { GetQuarantined, ListQuarantine } from '../queries/quarantined-jobs';
import type { GetRequestedSave } from '../queries/requested-save';
import type { SessionHistory } from '../queries/session-history';
import type { GetStorageState } from '../queries/storage-state';
import type { GetUsage } from '../queries/usage';
import type { ViewSession } from '../queries/view-session';
import type { AuditStore } from '../store/audit-store';
import type { FileLinks } from './file-links';
import type { TimeoutPolicy } from './schemas';
import type { SessionViews } from './session-view';

/** What can be asked about contexts. */
export interface ContextService {
  readonly createContext: CreateContext;
  readonly getContext: GetContext;
  readonly listContexts: ListContexts;
  readonly updateContext: UpdateContext;
  readonly deleteContext: DeleteContext;
  readonly listVersions: ListVersions;
  readonly restoreVersion: RestoreVersion;
  readonly getStorageState: GetStorageState;
  readonly importStorageState: ImportStorageState;
}

/** What can be asked about API keys, and about what was done with them. */
export interface KeyService {
  readonly createKey: CreateKey;
  readonly listKeys: ListKeys;
  readonly revokeKey: RevokeKey;
  readonly recordAudit: RecordAudit;
  readonly recordRelease: RecordRelease;
  /** Entries of the audit log before one, newest first. */
  readonly listAudit: AuditStore['before'];
}

/** All that can be asked of the service: its commands and queries, made once for the routes and for jobs. */
export interface Service extends ContextService, KeyService {
  readonly createSession: CreateSession;
  readonly saveContext: SaveContext;
  readonly requestedSave: GetRequestedSave;
  readonly keepAlive: KeepAlive;
  readonly updateSession: UpdateSession;
  readonly releaseSession: ReleaseSession;
  readonly releaseAll: ReleaseAll;
  readonly rotateToken: RotateToken;
  readonly getSession: GetSession;
  readonly awaitSession: AwaitSession;
  readonly listSessions: ListSessions;
  readonly cursorAfter: CursorAfter;
  /** From a place in the list of a tenant on. */
  readonly countSelected: CountSessions;
  /** Of all tenants. */
  readonly countSessions: () => Promise<Readonly<Record<SessionStatus, number>>>;
  readonly liveDetails: GetLiveDetails;
  readonly sessionHistory: SessionHistory;
  readonly followSession: FollowSession;
  readonly followTenant: FollowTenant;
  readonly findBrowser: FindBrowser;
  readonly findDevTools: FindDevTools;
  readonly findKeeper: FindKeeper;
  /** As `findBrowser`, but it is no activity of the session. */
  readonly findBrowserToView: FindBrowser;
  readonly viewSession: ViewSession;
  readonly listWorkers: ListWorkers;
  readonly drainWorker: DrainWorker;
  readonly getCapacity: GetCapacity;
  readonly getUsage: GetUsage;
  readonly listQuarantine: ListQuarantine;
  readonly getQuarantined: GetQuarantined;
  readonly retryJob: RetryJob;
  readonly discardJob: DiscardJob;
  /** How answers show a session. */
  readonly views: SessionViews;
  readonly keepFile: KeepFile;
  readonly fileLinks: FileLinks;
  /** Which time-outs may be asked for. */
  readonly policy: TimeoutPolicy;
}
