import { statusOf } from '../../../machines/session/session.view';
import {
  LAUNCH_TIMEOUT_MS,
  MAX_LAUNCH_ATTEMPTS,
  type SessionLimits,
} from '../../../machines/session/session.types';
import { isEnded } from '../../../machines/session/session.words';
import type { NewSession } from '../../commands/create-session';
import type { Service } from '../../contract/service';
import { messageOf, ServiceError } from '../../core/errors';
import type { SessionRef } from '../../core/ids';
import type { Logger } from '../../core/logger';
import type { QuotaPlaces } from '../../engine/quota-places';
import { createEnded } from '../../engine/session-ended';
import type { Caller } from '../edge/caller';
import { withinRedisBudget } from '../edge/redis-budget';
import { untilLive } from '../live-creation';
import type { ClientPresence } from './client-presence';
import type { AskedBrowser, UpgradeRequest } from './door';

/** How long a session that a connection has created goes on without a client. */
const DISCONNECT_TIMEOUT_MS = 10_000;

/** What a connection asks for. */
export interface ConnectRequest {
  readonly caller: Caller;
  readonly session: NewSession;
  readonly upgrade: Pick<UpgradeRequest, 'gone'>;
}

/** Creates the session of one connection. */
export type ConnectToCreate = (request: ConnectRequest) => Promise<AskedBrowser>;

/** Dependencies of {@link connectToCreate}. */
export interface ConnectToCreateParts {
  readonly service: Pick<Service, 'createSession' | 'awaitSession' | 'releaseSession'>;
  readonly presence: Pick<ClientPresence, 'hold'>;
  /** The quota of sockets. */
  readonly sockets: Pick<QuotaPlaces, 'take'>;
  readonly log: Logger;
}

/**
 * For doors where a connection is a session: creates one and waits until it is live. It ends as `client_disconnected`
 * ten seconds after its last client has gone, also if this process dies at any moment from the commit on; at once, if
 * the client goes before it is live.
 *
 * @throws ServiceError why the session has not become live; what {@link Service.createSession} throws.
 */
export function connectToCreate({ service, presence, sockets, log }: ConnectToCreateParts): ConnectToCreate {
  const release = async (ref: SessionRef): Promise<void> => {
    const request = { ref, reason: 'client_disconnected', actor: 'gateway', requestKey: null } as const;
    try {
      await service.releaseSession(request);
    } catch (error) {
      log.warn({ session: ref, reason: messageOf(error) }, 'a session whose client has left ends later');
    }
  };
  const create = async ({ caller, session, upgrade: { gone } }: ConnectRequest): Promise<AskedBrowser> => {
    const limits = { ...session.limits, disconnectTimeoutMs: DISCONNECT_TIMEOUT_MS };
    const { tenant, actor, revoked } = caller;
    const request = { tenant, session: { ...session, limits }, idempotencyKey: null, actor };
    const accepted = await withinRedisBudget(service.createSession(request));
    const { ref } = accepted;
    const leave = presence.hold(ref);
    try {
      const { record } = await untilLive(service.awaitSession, accepted, waitMsOf(limits), gone);
      const status = statusOf(record.snapshot);
      if (isEnded(status)) throw createEnded(record.snapshot, false);
      if (gone.aborted || status !== 'live') throw hasLeft();
      return { ref, revoked, onLeft: leave };
    } catch (error) {
      leave();
      void release(ref);
      throw error;
    }
  };
  return async request => {
    if (request.upgrade.gone.aborted) throw hasLeft();
    // Before a browser is started for a client that would be refused.
    const place = sockets.take(request.caller.tenant);
    try {
      await withinRedisBudget(place.taken);
      return { ...(await create(request)), place };
    } catch (error) {
      place.free();
      throw error;
    }
  };
}

/* By then a session is live, or has ended. */
const waitMsOf = ({ queueTimeoutMs }: SessionLimits): number =>
  MAX_LAUNCH_ATTEMPTS * (queueTimeoutMs + LAUNCH_TIMEOUT_MS);

const hasLeft = (): ServiceError =>
  new ServiceError('session_not_live', 'The client has disconnected before its session was live.');
