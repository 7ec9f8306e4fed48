import {
  keeperOf,
  routeTo,
  type KeeperRoute,
  type DevToolsPart,
  type DialTarget,
  type HostIdentity,
  type Route,
} from '../browser/dial';
import { ServiceError } from '../core/errors';
import type { SessionRef } from '../core/ids';
import { sessionNotFound } from './not-found';
import type { ActivityStore } from '../store/activity-store';
import type { SessionStore } from '../store/session-store';
import type { SessionRecord } from '../store/session-record';
import { newerVersion } from './newer-version';
import { requireLive } from './session-ended';
import { requireGeneration } from './token-generation';

/** Finds the route to the browser of a live session. */
export type FindBrowser = (ref: SessionRef, part?: DevToolsPart) => Promise<Route>;

/** Dependencies of {@link findBrowser}. */
export interface FindBrowserParts {
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly activity: Pick<ActivityStore, 'note'>;
  readonly localHost: HostIdentity;
  /** The installation's secret; signs the ticket for a keeper. */
  readonly secret: string;
}

/** A browser as DevTools clients ask for it. */
export interface FoundDevTools {
  readonly route: Route;
  readonly record: SessionRecord;
}

/**
 * As {@link FindBrowser}, for a client with a connect token of this generation; null: with an API key.
 *
 * @throws ServiceError also `unauthorized`, if the token was rotated.
 */
export type FindDevTools = (
  ref: SessionRef,
  generation: number | null,
  part: DevToolsPart,
) => Promise<FoundDevTools>;

/** Finds the route to the keeper of a live session, which has its downloads and uploads. */
export type FindKeeper = (ref: SessionRef) => Promise<KeeperRoute>;

/**
 * The call counts as activity: a client that asks for a screenshot or for cookies is not idle.
 *
 * @throws ServiceError `session_not_found`, `session_not_live`, `session_ended`, `browser_unreachable`; what Redis
 *   throws while it is away.
 */
export function findBrowser(parts: FindBrowserParts): FindBrowser {
  const { localHost, secret } = parts;
  return (ref, part) => find(parts, ref, target => routeTo({ ...target, part }, localHost, secret));
}

/** @see FindDevTools */
export function findDevTools(parts: FindBrowserParts): FindDevTools {
  const { sessions, activity, localHost, secret } = parts;
  return async (ref, generation, part) => {
    const found = await routeFound(
      sessions,
      ref,
      target => routeTo({ ...target, part }, localHost, secret),
      record => requireGeneration(record, generation),
    );
    await activity.note(ref, false);
    return found;
  };
}

/**
 * The same for somebody who only looks on: the call is no activity, so it does not keep an idle session alive.
 *
 * @throws ServiceError as {@link findBrowser}.
 */
export function findBrowserToView({ sessions, localHost, secret }: FindBrowserParts): FindBrowser {
  return async (ref, part) =>
    (await routeFound(sessions, ref, target => routeTo({ ...target, part }, localHost, secret))).route;
}

/**
 * The same for the session's keeper: the call counts as activity, too.
 *
 * @throws ServiceError as {@link findBrowser}.
 */
export function findKeeper(parts: FindBrowserParts): FindKeeper {
  const { localHost, secret } = parts;
  return ref =>
    find(parts, ref, ({ endpoint, claimId }) => {
      const keeper = keeperOf(endpoint, localHost);
      return keeper === null ? null : { keeper, claimId, secret };
    });
}

async function find<R>(
  { sessions, activity }: FindBrowserParts,
  ref: SessionRef,
  routeFor: (target: DialTarget) => R | null,
): Promise<R> {
  const { route } = await routeFound(sessions, ref, routeFor);
  await activity.note(ref, false);
  return route;
}

async function routeFound<R>(
  sessions: FindBrowserParts['sessions'],
  ref: SessionRef,
  routeFor: (target: DialTarget) => R | null,
  check: (record: SessionRecord) => void = () => undefined,
): Promise<{ readonly route: R; readonly record: SessionRecord }> {
  const { record } = await sessions.read(ref);
  if (record === null) throw sessionNotFound();
  check(record);
  requireLive(record);
  const { endpoint, owner } = record.snapshot.context;
  const route =
    endpoint === null || owner === null ? null : routeFor({ endpoint, claimId: owner.fence.claimId });
  if (endpoint === null && record.isPartial === true) throw newerVersion();
  if (route === null) {
    throw new ServiceError('browser_unreachable', 'The browser cannot be reached from this API process.');
  }
  return { route, record };
}
