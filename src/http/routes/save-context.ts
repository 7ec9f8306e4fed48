import type { RequestHandler } from 'express';
import type { SaveContext } from '../../commands/save-context';
import type { SessionViews } from '../../contract/session-view';
import type { AwaitSession } from '../../queries/await-session';
import type { SessionRecord } from '../../store/session-record';
import { etagOf } from '../edge/etag';
import { parsePrefer, preferenceApplied } from '../edge/prefer';
import { withinRedisBudget } from '../edge/redis-budget';
import { contextOf } from '../edge/request-context';
import { refOfParam } from '../edge/session-param';

/** How long the request waits for its save, by default. */
const WAIT_DEFAULT_SECONDS = 30;

/** Dependencies of the route. */
export interface SaveContextRouteParts {
  readonly saveContext: SaveContext;
  readonly awaitSession: AwaitSession;
  readonly views: SessionViews;
}

/**
 * `POST /v1/sessions/:id/context/sync`: 200 with the session once its context is saved, or the save has failed for the
 * reason in `lastSave`; 202 if that takes longer than the client waits. `Save-Id` is the number of the request: it is
 * done when the session's `context.lastSave` has this id or a higher one, or the session has ended.
 */
export function saveContextRoute({
  saveContext,
  awaitSession,
  views,
}: SaveContextRouteParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const preferences = parsePrefer(req.headers['prefer']);
    const { waitSeconds, respondAsync } = preferences;
    const saveId = await withinRedisBudget(saveContext(ref));
    const found = await awaitSession({
      ref,
      until: record => isSettled(record, saveId),
      timeoutMs: (waitSeconds ?? (respondAsync ? 0 : WAIT_DEFAULT_SECONDS)) * 1_000,
      signal: contextOf(res).stopWaiting,
    });
    const applied = preferenceApplied(preferences);
    if (applied !== null) res.set('Preference-Applied', applied);
    const view = views.of(found);
    res
      .status(isSettled(found.record, saveId) ? 200 : 202)
      .set({ 'Save-Id': String(saveId), ETag: etagOf(view.revision) })
      .json(view);
  };
}

/* A session that has ended saves its context at its end, if it has not failed. */
const isSettled = ({ snapshot: { context }, finalSave }: SessionRecord, saveId: number): boolean =>
  finalSave !== null || context.endReason !== null || (context.lastSave?.saveId ?? 0) >= saveId;
