import { keeperOf, routeTo, type HostIdentity, type KeeperRoute } from '../browser/dial';
import { asleepSinceMs } from '../browser/sleep';
import { liveTraffic } from '../browser/live-traffic';
import { openPages, type OpenPage } from '../browser/open-pages';
import { createContext } from '../commands/create-context';
import { createKey } from '../commands/create-key';
import { createSession } from '../commands/create-session';
import { deleteContext } from '../commands/delete-context';
import { drainWorker } from '../commands/drain-worker';
import { importStorageState } from '../commands/import-storage-state';
import { keepFile } from '../commands/keep-file';
import { keepAlive } from '../commands/keep-alive';
import { recordAudit, recordRelease } from '../commands/record-audit';
import { releaseAll } from '../commands/release-all';
import { releaseSession } from '../commands/release-session';
import { revokeKey } from '../commands/revoke-key';
import { restoreVersion } from '../commands/restore-version';
import { discardJob, retryJob, type RetryJobParts } from '../commands/retry-job';
import { updateContext } from '../commands/update-context';
import { rotateToken } from '../commands/rotate-token';
import { saveContext } from '../commands/save-context';
import { updateSession } from '../commands/update-session';
import { useContext } from '../commands/use-context';
import { FileLinks } from '../contract/file-links';
import type { ContextService, KeyService, Service } from '../contract/service';
import { SessionViews } from '../contract/session-view';
import { messageOf } from '../core/errors';
import type { Deps } from '../deps';
import type { KeyRing } from '../engine/key-ring';
import {
  findBrowser,
  findBrowserToView,
  findDevTools,
  findKeeper,
  type FindBrowserParts,
} from '../engine/live-browser';
import { awaitSession } from '../queries/await-session';
import { cursorAfter } from '../queries/cursor-after';
import { countSessions } from '../queries/count-sessions';
import { followSession } from '../queries/follow-session';
import { followTenant } from '../queries/follow-tenant';
import { getContext, listVersions } from '../queries/get-context';
import { getSession, type GetSession } from '../queries/get-session';
import { listContexts } from '../queries/list-contexts';
import { listKeys } from '../queries/list-keys';
import { listSessions } from '../queries/list-sessions';
import { getCapacity, listWorkers } from '../queries/list-workers';
import { liveDetails, type LiveDetailsParts } from '../queries/live-details';
import { getQuarantined, listQuarantine, type QuarantineParts } from '../queries/quarantined-jobs';
import { sessionHistory } from '../queries/session-history';
import { requestedSave } from '../queries/requested-save';
import { getStorageState } from '../queries/storage-state';
import { VersionMaker } from '../engine/version-maker';
import { getUsage } from '../queries/usage';
import { viewSession } from '../queries/view-session';
import { ingressJobCheck } from './ingress';
import type { SessionRecord } from '../store/session-record';

/**
 * Makes all commands and queries.
 *
 * @param url - where clients reach the API
 * @param keyRing - the stored keys as this process knows them
 */
export function makeService(deps: Deps, localHost: HostIdentity, url: string, keyRing: KeyRing): Service {
  const { config, sessions, index, maintenance, relay, report, waiters, secret } = deps;
  const getOne = getSession({ sessions, index });
  const release = releaseSession(deps);
  const { contexts, contextWriters, closing } = deps;
  const using = { contexts, contextWriters, sessions, closing, maintenance };
  return {
    createSession: createSession({
      ...{ sessions, maintenance, relay, report, secret, contextWriters },
      ...{ retentionMs: config.retentionMs, quotas: config.quotas },
      useContext: useContext({ ...using, createContext: createContext(deps) }),
    }),
    saveContext: saveContext(deps),
    requestedSave: requestedSave(deps.saves),
    keepAlive: keepAlive(deps),
    updateSession: updateSession(deps),
    releaseSession: release,
    releaseAll: releaseAll({ index, releaseSession: release }),
    getSession: getOne,
    awaitSession: awaitSession({ waiters, getSession: getOne }),
    listSessions: listSessions({ sessions, index }),
    cursorAfter: cursorAfter({ sessions }),
    countSelected: countSessions(index),
    countSessions: async () => index.counts(),
    sessionHistory: sessionHistory(deps.eventLog),
    followSession: followSession(deps),
    followTenant: followTenant(deps),
    ...contextService(deps),
    ...browserService(deps, getOne, localHost),
    listWorkers: listWorkers(deps),
    drainWorker: drainWorker(deps.workers),
    getCapacity: getCapacity(deps),
    getUsage: getUsage(deps),
    ...quarantineService(deps),
    ...keyService(deps, keyRing),
    views: new SessionViews(url, secret),
    keepFile: keepFile(deps),
    fileLinks: new FileLinks(url, secret),
    policy: config,
  };
}

/* What an operator does about jobs that were put aside. */
function quarantineService({
  config,
  quarantine,
  producer,
}: Deps): Pick<Service, 'listQuarantine' | 'getQuarantined' | 'retryJob' | 'discardJob'> {
  const quarantined: QuarantineParts = { quarantine, ingressTenant: config.ingressTenant };
  const retrying: RetryJobParts = {
    getQuarantined: getQuarantined(quarantined),
    quarantine,
    producer,
    checkIngressJob: ingressJobCheck(config),
  };
  return {
    listQuarantine: listQuarantine(quarantined),
    getQuarantined: retrying.getQuarantined,
    retryJob: retryJob(retrying),
    discardJob: discardJob(retrying),
  };
}

/* What reaches a live browser. */
function browserService(
  deps: Deps,
  getOne: GetSession,
  localHost: HostIdentity,
): Pick<
  Service,
  | 'liveDetails'
  | 'viewSession'
  | 'findBrowser'
  | 'rotateToken'
  | 'findDevTools'
  | 'findKeeper'
  | 'findBrowserToView'
> {
  const { sessions, activity, secret } = deps;
  const reach: FindBrowserParts = { sessions, activity, localHost, secret };
  const openPages = pagesOf(deps, localHost);
  return {
    liveDetails: liveDetails({
      ...{ getSession: getOne, activity, openPages },
      traffic: askedOf(deps, localHost, liveTraffic),
      asleepSinceMs: askedOf(deps, localHost, asleepSinceMs),
    }),
    viewSession: viewSession({ getSession: getOne, openPages }),
    findBrowser: findBrowser(reach),
    rotateToken: rotateToken(sessions),
    findDevTools: findDevTools(reach),
    findKeeper: findKeeper(reach),
    findBrowserToView: findBrowserToView(reach),
  };
}

function keyService(deps: Deps, keyRing: KeyRing): KeyService {
  const { apiKeys, audit, eventLog, maintenance, log } = deps;
  const record = recordAudit({ audit, log });
  return {
    createKey: createKey({ apiKeys, keyRing, maintenance }),
    listKeys: listKeys(apiKeys),
    revokeKey: revokeKey({ apiKeys, keyRing }),
    recordAudit: record,
    recordRelease: recordRelease({ recordAudit: record, eventLog, log }),
    listAudit: async (cursor, limit) => audit.before(cursor, limit),
  };
}

function contextService(deps: Deps): ContextService {
  const { config, contexts, contextVersions, blobs, secret } = deps;
  const getOne = getContext(contexts);
  const { maxBytes } = config.contexts;
  return {
    createContext: createContext(deps),
    getContext: getOne,
    listContexts: listContexts(deps),
    updateContext: updateContext(deps),
    deleteContext: deleteContext(deps),
    listVersions: listVersions({ getContext: getOne, contextVersions }),
    restoreVersion: restoreVersion(deps),
    getStorageState: getStorageState({ getContext: getOne, contextVersions, blobs, secret, maxBytes }),
    importStorageState: importStorageState({ contexts, versionMaker: new VersionMaker(deps) }),
  };
}

/* Pages are optional: if the browser cannot be asked, the other details are answered without them. */
function pagesOf({ secret, log }: Deps, localHost: HostIdentity): LiveDetailsParts['openPages'] {
  return async ({ ref, snapshot }, purpose): Promise<readonly OpenPage[] | null> => {
    const { endpoint, owner } = snapshot.context;
    if (endpoint === null || owner === null) return null;
    const route = routeTo({ endpoint, claimId: owner.fence.claimId }, localHost, secret);
    if (route === null) return null;
    try {
      return await openPages({ ...route, purpose });
    } catch (error) {
      log.debug({ session: ref, reason: messageOf(error) }, 'the pages of the browser could not be read');
      return null;
    }
  };
}

/* The same for what its keeper says of it; keepers of earlier versions do not know. */
function askedOf<T>(
  { secret, log }: Deps,
  localHost: HostIdentity,
  ask: (route: KeeperRoute) => Promise<T | null>,
): (record: SessionRecord) => Promise<T | null> {
  return async ({ ref, snapshot }) => {
    const { endpoint, owner } = snapshot.context;
    const keeper = endpoint === null ? null : keeperOf(endpoint, localHost);
    if (keeper === null || owner === null) return null;
    try {
      return await ask({ keeper, claimId: owner.fence.claimId, secret });
    } catch (error) {
      log.debug({ session: ref, reason: messageOf(error) }, 'a keeper could not be asked about a browser');
      return null;
    }
  };
}
