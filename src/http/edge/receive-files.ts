import type { Request, Response } from 'express';
import { statusOf } from '../../../machines/session/session.view';
import { isEnded } from '../../../machines/session/session.words';
import type { KeeperRoute } from '../../browser/dial';
import { ServiceError } from '../../core/errors';
import type { SessionRef } from '../../core/ids';
import { allowSlowBody, dropBody } from '../../core/request-body';
import type { FindKeeper } from '../../engine/live-browser';
import { requireLive } from '../../engine/session-ended';
import type { AwaitSession } from '../../queries/await-session';
import type { SessionRecord } from '../../store/session-record';
import { withinRedisBudget } from './redis-budget';
import { contextOf } from './request-context';

/** How long a client may send nothing of a file. */
const SILENT_AFTER_MS = 30_000;

/** How often an upload counts as activity: at least twice in the shortest idle time-out. */
const ACTIVE_EVERY_MS = 500;

/** How long to wait, after a browser has gone, for the end of its session. */
const END_KNOWN_MS = 900;

/** Dependencies of {@link receiveFiles}. */
export interface ReceiveFilesParts {
  readonly findKeeper: FindKeeper;
  readonly awaitSession: AwaitSession;
}

/** A request whose body has files for a session. */
export interface Delivery {
  readonly req: Request;
  readonly res: Response;
  readonly ref: SessionRef;
}

/** What becomes of the files of a request. */
export interface Reception<T, Files> {
  /** Checks the request, and opens its body; a wrong request is wrong whatever its session is. */
  readonly open: () => Files;
  readonly store: (route: KeeperRoute, files: Files) => Promise<T>;
}

/**
 * Passes the files of a request on to the keeper of a session: the session is not idle meanwhile, and if it ends, the
 * error says so.
 *
 * @throws ServiceError as {@link FindKeeper}, and what `open` and `store` throw.
 */
export async function receiveFiles<T, Files>(
  { findKeeper, awaitSession }: ReceiveFilesParts,
  { req, res, ref }: Delivery,
  { open, store }: Reception<T, Files>,
): Promise<T> {
  try {
    const files = open();
    const route = await withinRedisBudget(findKeeper(ref));
    allowSlowBody(req, SILENT_AFTER_MS);
    return await whileActive(ref, findKeeper, () => store(route, files));
  } catch (error) {
    dropBody(req, res);
    if (isUnreachable(error)) await requireOpen(ref, awaitSession, contextOf(res).stopWaiting);
    throw error;
  }
}

/* An upload can take longer than the idle time-out. */
async function whileActive<T>(ref: SessionRef, findKeeper: FindKeeper, work: () => Promise<T>): Promise<T> {
  const active = setInterval(() => {
    // Redis is away, or the session has ended, which the keeper says, too.
    findKeeper(ref).catch(() => undefined);
  }, ACTIVE_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(active);
  }
}

/* The keeper knows of an end before it is committed. */
async function requireOpen(ref: SessionRef, awaitSession: AwaitSession, signal: AbortSignal): Promise<void> {
  const until = ({ snapshot }: SessionRecord): boolean => isEnded(statusOf(snapshot));
  const { record } = await awaitSession({ ref, until, timeoutMs: END_KNOWN_MS, signal });
  requireLive(record);
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'browser_unreachable';
