import type { RequestHandler } from 'express';
import { z } from 'zod';
import { cookie, newCookie, readCookies, writeCookies } from '../../browser/cookies';
import { takeScreenshot } from '../../browser/screenshot';
import { checkFields } from '../../core/check-fields';
import type { FindBrowser } from '../../engine/live-browser';
import { withinRedisBudget } from '../edge/redis-budget';
import { refOfParam } from '../edge/session-param';

/** Dependencies of the routes. */
export interface SessionPageRouteParts {
  readonly findBrowser: FindBrowser;
}

/** The query of `GET /v1/sessions/{id}/screenshot`. */
export const screenshotQuery = z.object({
  pageId: z
    .string()
    .regex(/^[A-Za-z0-9]{1,64}$/, 'must be the id of a page')
    .optional()
    .describe('The id of one of `pages` in the live details. Default: the first.'),
});

const COOKIES_MAX = 500;

/** The body of `POST /v1/sessions/{id}/cookies`. */
export const cookiesBody = z.strictObject({ cookies: z.array(newCookie).max(COOKIES_MAX) });

/** What both cookie operations answer with: every cookie of the browser. */
export const cookiesAnswer = z.object({ cookies: z.array(cookie) });

/** `GET /v1/sessions/:id/screenshot`: what a page shows right now, as PNG. */
export function screenshotRoute({ findBrowser }: SessionPageRouteParts): RequestHandler {
  return async (req, res) => {
    const { pageId } = checkFields(screenshotQuery, req.query, { root: 'query' });
    const route = await withinRedisBudget(findBrowser(refOfParam(req, res)));
    res.type('png').send(await takeScreenshot(route, pageId ?? null));
  };
}

/** `GET /v1/sessions/:id/cookies`: every cookie of the browser. */
export function readCookiesRoute({ findBrowser }: SessionPageRouteParts): RequestHandler {
  return async (req, res) => {
    const route = await withinRedisBudget(findBrowser(refOfParam(req, res)));
    res.json({ cookies: await readCookies(route) });
  };
}

/**
 * `POST /v1/sessions/:id/cookies`: sets cookies; they stay after all clients have disconnected. Answers with every
 * cookie of the browser.
 */
export function writeCookiesRoute({ findBrowser }: SessionPageRouteParts): RequestHandler {
  return async (req, res) => {
    const { cookies } = checkFields(cookiesBody, req.body);
    const route = await withinRedisBudget(findBrowser(refOfParam(req, res)));
    await writeCookies(route, cookies);
    res.json({ cookies: await readCookies(route) });
  };
}
