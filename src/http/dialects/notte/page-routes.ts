import type { Request, RequestHandler, Response } from 'express';
import { loadStepLibrary, openStepPage, type StepPage } from '../../../browser/run-steps';
import { takeScreenshot } from '../../../browser/screenshot';
import { systemClock } from '../../../core/clock';
import { messageOf, ServiceError } from '../../../core/errors';
import { iso } from '../../../contract/times';
import { withinRedisBudget } from '../../edge/redis-budget';
import { contextOf } from '../../edge/request-context';
import { refOfParam } from '../../edge/session-param';
import type { DialectParts } from '../dialect';
import { pageAction, scrapeOf } from './page-actions';

/** Half of the shortest idle time-out there can be: a session in which an action is under way is not idle. */
const ACTIVITY_EVERY_MS = 500;

/** Does something on the first page of the session that a request names. */
type OnPage = <T>(req: Request, res: Response, work: (page: StepPage) => Promise<T>) => Promise<T>;

/**
 * `POST /sessions/{id}/page/execute`: one action on the first page. An action that fails is a success of the call, with
 * `success: false` and the reason.
 */
export function executeRoute(parts: DialectParts): RequestHandler {
  const onPage = pageOpener(parts);
  return async (req, res) => {
    const asked: unknown = req.body;
    const action = pageAction(asked);
    const startedAt = iso(systemClock.nowMs());
    const outcome = await onPage(req, res, async page => {
      try {
        return { success: true, message: action.message, data: await action.run(page), exception: null };
      } catch (error) {
        if (error instanceof ServiceError) throw error;
        return { success: false, message: messageOf(error), data: null, exception: messageOf(error) };
      }
    });
    res.json({
      started_at: startedAt,
      ended_at: iso(systemClock.nowMs()),
      action: asked,
      ...outcome,
    });
  };
}

/** `POST /sessions/{id}/page/scrape`: the text of the first page. */
export function scrapeRoute(parts: DialectParts): RequestHandler {
  const onPage = pageOpener(parts);
  return async (req, res) => {
    const scrape = scrapeOf(req.body);
    res.json(
      await onPage(req, res, page =>
        scrape(page).catch((error: unknown) => {
          throw error instanceof ServiceError ? error : scrapeFailed(error);
        }),
      ),
    );
  };
}

/* Nothing but the selector can be wrong with a page that answers. */
function scrapeFailed(cause: unknown): ServiceError {
  const message = messageOf(cause);
  return new ServiceError('invalid_request', `/selector: ${message}`, {
    fields: [{ pointer: '/selector', message }],
    cause,
  });
}

/** `POST /sessions/{id}/page/screenshot`: what the first page shows, as JPEG. */
export function screenshotRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const route = await withinRedisBudget(service.findBrowser(refOfParam(req, res)));
    res.type('jpeg').send(await takeScreenshot(route, null, 'jpeg'));
  };
}

function pageOpener({ service }: DialectParts): OnPage {
  return async (req, res, work) => {
    const ref = refOfParam(req, res);
    const route = await withinRedisBudget(service.findBrowser(ref));
    await loadStepLibrary();
    // A lost note of activity is made good by the next one.
    const note = (): void => void service.findBrowser(ref).catch(() => undefined);
    const notes = setInterval(note, ACTIVITY_EVERY_MS);
    try {
      const page = await openStepPage(route, contextOf(res).stopWaiting);
      try {
        return await work(page);
      } finally {
        page.close();
      }
    } finally {
      clearInterval(notes);
    }
  };
}
