import type { RequestHandler } from 'express';
import { savesAtEnd, statusOf } from '../../../../machines/session/session.view';
import { isEnded, STATUSES, type SessionStatus } from '../../../../machines/session/session.words';
import { createBodyParser } from '../../../contract/schemas';
import { parseUpdateBody } from '../../../contract/update-body';
import type { Service } from '../../../contract/service';
import { ServiceError } from '../../../core/errors';
import { contextRefOf, type SessionRef } from '../../../core/ids';
import type { FoundSession } from '../../../queries/get-session';
import { withinRedisBudget } from '../../edge/redis-budget';
import { actorOf, contextOf, tenantOf } from '../../edge/request-context';
import { createLive, LIVE_WAIT_MS } from '../../live-creation';
import type { DialectParts } from '../dialect';
import { labelsOf, nativeCreateBody, unsupported } from './create-body';
import { answer } from './envelope';
import { pageOf } from './paging';
import { parametersOf, wrong } from './parameters';
import {
  AGENTBAY_STATUS,
  openSession,
  refOfSession,
  resourceIdOf,
  resourceUrlOf,
  sessionData,
} from './session';

/** `CreateMcpSession`: answers when the browser runs, with its context mounted. */
export function createRoute({ service }: DialectParts): RequestHandler {
  const parseBody = createBodyParser(service.policy);
  const create = createLive(service);
  return async (req, res) => {
    const session = parseBody(nativeCreateBody(parametersOf(req), service.policy));
    const { found, ended } = await create({
      ...{ tenant: tenantOf(res), session, idempotencyKey: null, actor: actorOf(res) },
      ...{ waitMs: LIVE_WAIT_MS, stopWaiting: contextOf(res).stopWaiting },
    });
    if (ended !== null) throw ended;
    answer(res, sessionData(service.views.of(found)));
  };
}

/** `GetSession`. */
export function getRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const session = service.views.of(await openSession(service, req, res));
    const { context, status } = session;
    const contexts =
      context === null ? [] : [{ id: context.id, name: await nameOf(service, tenantOf(res), context.id) }];
    answer(res, { ...sessionData(session), Status: AGENTBAY_STATUS[status], contexts });
  };
}

async function nameOf({ getContext }: Service, tenant: string, id: string): Promise<string> {
  try {
    return (await withinRedisBudget(getContext(contextRefOf(tenant, id)))).name ?? '';
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'context_not_found') return ''; // it was deleted meanwhile
    throw error;
  }
}

/**
 * `GetSessionDetail`, which clients poll after `DeleteSessionAsync` until it says `FINISH`: the browser is gone then,
 * and its context saved. It does not count as activity.
 */
export function detailRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const { record } = await withinRedisBudget(service.getSession(refOfSession(req, res)));
    if (!isEnded(statusOf(record.snapshot))) {
      answer(res, { Status: 'RUNNING' });
      return;
    }
    // It has ended, so this changes nothing; it tells when the browser is gone.
    const { closed } = await release(service, record.ref, actorOf(res));
    const { snapshot, finalSave } = await closed();
    answer(res, { Status: savesAtEnd(snapshot) && finalSave === null ? 'DELETING' : 'FINISH' });
  };
}

const OPEN: readonly SessionStatus[] = STATUSES.filter(status => AGENTBAY_STATUS[status] === 'RUNNING');
const ENDED: readonly SessionStatus[] = STATUSES.filter(status => AGENTBAY_STATUS[status] === 'DELETED');

/* No session is ever in the states that are left empty. */
const LISTED: Readonly<Record<string, readonly SessionStatus[]>> = {
  RUNNING: OPEN,
  PAUSING: [],
  PAUSED: [],
  RESUMING: [],
  DELETING: [],
  DELETED: ENDED,
};

/** `ListSession`: those that have not ended, unless `Status` says otherwise; newest first. */
export function listRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const parameters = parametersOf(req);
    if (parameters.text('ImageId') !== null)
      throw unsupported('ImageId: every image is the same browser here.');
    const statuses = LISTED[parameters.text('Status')?.toUpperCase() ?? 'RUNNING'];
    if (statuses === undefined) throw wrong('Status', `must be one of ${Object.keys(LISTED).join(', ')}`);
    const labels = Object.entries(labelsOf(parameters)).map(
      ([name, value]) => ({ name, operator: 'in', values: [value] }) as const,
    );
    const selection = {
      tenant: tenantOf(res),
      statuses,
      labels,
      createdAfterMs: null,
      createdBeforeMs: null,
    };
    const { items, page } = await withinRedisBudget(
      pageOf(parameters, {
        read: async (cursor, limit) => {
          // Without a status the native list has all of them.
          if (statuses.length === 0) return { items: [], nextCursor: null };
          const { sessions, nextCursor } = await service.listSessions({ ...selection, cursor, limit });
          return { items: sessions, nextCursor };
        },
        count: cursor => service.countSelected({ ...selection, cursor }),
      }),
    );
    const data = items.map(({ record: { snapshot } }) => ({
      SessionId: snapshot.context.id,
      SessionStatus: AGENTBAY_STATUS[statusOf(snapshot)],
    }));
    answer(res, data, page);
  };
}

/** `GetLabel`. */
export function getLabelsRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const { record } = await openSession(service, req, res);
    answer(res, { Labels: JSON.stringify(record.snapshot.context.labels) });
  };
}

/** How often labels are set again from a fresh read, when the session was changed meanwhile. */
const TRIES_MAX = 10;

/** `SetLabel`: the labels replace those of the session. */
export function setLabelsRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const labels = labelsOf(parametersOf(req));
    for (let tries = 1; ; tries += 1) {
      const found = await openSession(service, req, res);
      try {
        await withinRedisBudget(replaceLabels(service, found, labels, actorOf(res)));
        break;
      } catch (error) {
        const isChanged = error instanceof ServiceError && error.code === 'precondition_failed';
        if (!isChanged || tries === TRIES_MAX) throw error;
      }
    }
    answer(res);
  };
}

async function replaceLabels(
  { updateSession, policy }: Service,
  { record: { ref, revision, snapshot } }: FoundSession,
  labels: Readonly<Record<string, string>>,
  actor: string,
): Promise<void> {
  const removed = Object.keys(snapshot.context.labels).map(name => [name, null] as const);
  const change = { labels: { ...Object.fromEntries(removed), ...labels } };
  await updateSession({
    ...{ ref, ...parseUpdateBody(change, policy) },
    ...{ ifRevision: revision, actor, requestKey: null },
  });
}

/** `GetMcpResource`: what to open in a web browser to see the session. */
export function resourceRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const session = service.views.of(await openSession(service, req, res));
    answer(res, {
      SessionId: session.id,
      ResourceUrl: resourceUrlOf(session),
      DesktopInfo: {
        AppId: 'agentBay-browser-cdp',
        AuthCode: '',
        ConnectionProperties: JSON.stringify({ authMode: 'Session' }),
        ResourceId: resourceIdOf(session),
        ResourceType: 'AIAgent',
        Ticket: '',
      },
    });
  };
}

/** `ReleaseMcpSession`: answers when the browser is gone. A second one finds no session. */
export function releaseRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const { record } = await openSession(service, req, res);
    const { closed } = await release(service, record.ref, actorOf(res));
    await closed();
    answer(res);
  };
}

/** `DeleteSessionAsync`: answers when the end is decided; clients then poll `GetSessionDetail`. */
export function deleteRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const { record } = await openSession(service, req, res);
    await release(service, record.ref, actorOf(res));
    answer(res);
  };
}

const release = (
  { releaseSession }: Service,
  ref: SessionRef,
  actor: string,
): ReturnType<Service['releaseSession']> =>
  withinRedisBudget(releaseSession({ ref, reason: 'released_by_client', actor, requestKey: null }));

/** `RefreshSessionIdleTime`: the idle time-out begins anew. */
export function keepAliveRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    await withinRedisBudget(service.keepAlive(refOfSession(req, res)));
    answer(res);
  };
}

/** `PauseSessionAsync` and `ResumeSessionAsync`. */
export function pauseRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    await openSession(service, req, res);
    throw unsupported('Sessions cannot be paused. Delete this one, and create another with its context.');
  };
}
