import { z } from 'zod';
import type { JsonEndpoint } from '../../browser/dial';
import { devToolsProtocol, devToolsTargets, devToolsVersion } from '../routes/devtools-json';
import { downloadsAnswer } from '../routes/session-downloads';
import { cookiesAnswer, cookiesBody, screenshotQuery } from '../routes/session-page';
import type { Operation } from './operation';

/* Operations on a live session's browser that need no CDP client. Each counts as activity. */

const COOKIES = { 200: { description: 'Every cookie of the browser.', schema: cookiesAnswer } };

const DEVTOOLS_ERRORS = [
  'unauthorized',
  'session_not_found',
  'session_ended',
  'session_not_live',
  'browser_unreachable',
] as const;

/* For DevTools clients that take an HTTP address and append these paths to it. */
const devTools = <Schema extends z.ZodType>(endpoint: JsonEndpoint, summary: string, schema: Schema) =>
  ({
    method: 'GET',
    path: `/v1/sessions/{id}/cdp/json/${endpoint}`,
    tag: 'Sessions',
    summary,
    description: 'With the `token` of `websocketUrl`, or an API key in a header.',
    isOpen: true,
    parameters: [{ in: 'query', name: 'token', schema: z.string().optional() }],
    answers: { 200: { description: 'As Chromium says it, with URLs that work from where you are.', schema } },
    errors: DEVTOOLS_ERRORS,
  }) as const satisfies Operation;

/** Operations about the pages of a session, see {@link Operation}. */
export const PAGE_OPERATIONS = {
  getScreenshot: {
    method: 'GET',
    path: '/v1/sessions/{id}/screenshot',
    tag: 'Sessions',
    summary: 'What a page of a live session shows right now',
    parameters: [{ in: 'query', name: 'pageId', schema: screenshotQuery.shape.pageId }],
    answers: {
      200: { description: 'The visible part, as PNG.', schema: z.string(), mediaType: 'image/png' },
    },
    errors: ['session_not_found', 'session_ended', 'session_not_live', 'browser_unreachable'],
  },
  getCookies: {
    method: 'GET',
    path: '/v1/sessions/{id}/cookies',
    tag: 'Sessions',
    summary: 'Read the cookies of a live session',
    answers: COOKIES,
    errors: ['session_not_found', 'session_ended', 'session_not_live', 'browser_unreachable'],
  },
  setCookies: {
    method: 'POST',
    path: '/v1/sessions/{id}/cookies',
    tag: 'Sessions',
    summary: 'Set cookies in a live session',
    body: () => cookiesBody,
    bodyExample: { cookies: [{ name: 'visit', value: '42', url: 'https://example.org/' }] },
    answers: COOKIES,
    errors: ['session_not_found', 'session_ended', 'session_not_live', 'browser_unreachable'],
  },
  listDownloads: {
    method: 'GET',
    path: '/v1/sessions/{id}/downloads',
    tag: 'Sessions',
    summary: 'What the browser of a live session has downloaded',
    answers: { 200: { description: 'The files in its folder for downloads.', schema: downloadsAnswer } },
    errors: ['session_not_found', 'session_ended', 'session_not_live', 'browser_unreachable'],
  },
  fetchDownload: {
    method: 'GET',
    path: '/v1/sessions/{id}/downloads/{name}',
    tag: 'Sessions',
    summary: 'The bytes of a finished download of a live session',
    answers: {
      200: {
        description: 'The file, as an attachment.',
        schema: z.string(),
        mediaType: 'application/octet-stream',
        headers: {
          'Content-Disposition': '`attachment` with the name.',
          'Content-Length': 'Its size, bytes.',
        },
      },
    },
    errors: [
      'session_not_found',
      'download_not_found',
      'download_quota_exceeded',
      'session_ended',
      'session_not_live',
      'browser_unreachable',
    ],
  },
  getDevToolsVersion: devTools('version', 'Which browser it is, and its WebSocket', devToolsVersion),
  getDevToolsTargets: devTools(
    'list',
    'Pages and workers, each with a WebSocket of its own',
    devToolsTargets,
  ),
  getDevToolsProtocol: devTools('protocol', 'The protocol that the browser speaks', devToolsProtocol),
} as const satisfies Record<string, Operation>;
