import { z } from 'zod';
import { CDP_SCOPE } from '../gateway/cdp-access';
import type { JsonEndpoint } from '../../browser/dial';
import { devToolsProtocol, devToolsTargets, devToolsVersion } from '../routes/devtools-json';
import { downloadsAnswer } from '../routes/session-downloads';
import { uploadQuery, uploadsAnswer } from '../routes/session-uploads';
import { BYTES_TYPE, FILES_MAX, FORM_TYPE } from '../edge/uploaded-files';
import { cookiesAnswer, cookiesBody, screenshotQuery } from '../routes/session-page';
import type { Operation } from './operation';

/* Operations on a live session's browser that need no CDP client. Each counts as activity. */

const COOKIES = { 200: { description: 'Every cookie of the browser.', schema: cookiesAnswer } };

const DEVTOOLS_ERRORS = [
  'unauthorized',
  'too_many_failures',
  'forbidden',
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
    description: 'Needs the `token` of `websocketUrl`, or an API key in a header.',
    isOpen: true,
    scope: CDP_SCOPE,
    query: z.object({ token: z.string().optional() }),
    answers: {
      200: { description: 'The answer of Chromium, with URLs that clients of this service can use.', schema },
    },
    errors: DEVTOOLS_ERRORS,
  }) as const satisfies Operation;

/** Operations about the pages of a session, see {@link Operation}. */
export const PAGE_OPERATIONS = {
  getScreenshot: {
    method: 'GET',
    path: '/v1/sessions/{id}/screenshot',
    scope: 'view',
    tag: 'Sessions',
    summary: 'Take a screenshot of a page of a live session',
    query: screenshotQuery,
    answers: {
      200: {
        description: 'The visible part of the page, as PNG.',
        schema: z.string(),
        mediaType: 'image/png',
      },
    },
    errors: ['session_not_found', 'session_ended', 'session_not_live', 'browser_unreachable'],
  },
  getCookies: {
    method: 'GET',
    path: '/v1/sessions/{id}/cookies',
    scope: 'sessions',
    tag: 'Sessions',
    summary: 'Read the cookies of a live session',
    answers: COOKIES,
    errors: ['session_not_found', 'session_ended', 'session_not_live', 'browser_unreachable'],
  },
  setCookies: {
    method: 'POST',
    path: '/v1/sessions/{id}/cookies',
    scope: 'sessions',
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
    scope: 'view',
    tag: 'Sessions',
    summary: 'List the downloads of a live session',
    answers: {
      200: { description: 'The files in the download folder of the browser.', schema: downloadsAnswer },
    },
    errors: ['session_not_found', 'session_ended', 'session_not_live', 'browser_unreachable'],
  },
  fetchDownload: {
    method: 'GET',
    path: '/v1/sessions/{id}/downloads/{name}',
    scope: 'view',
    tag: 'Sessions',
    summary: 'Fetch a finished download of a live session',
    answers: {
      200: {
        description: 'The file, as an attachment.',
        schema: z.string(),
        mediaType: 'application/octet-stream',
        headers: {
          'Content-Disposition': '`attachment`, with the name of the file.',
          'Content-Length': 'The size of the file, in bytes.',
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
  listUploads: {
    method: 'GET',
    path: '/v1/sessions/{id}/uploads',
    scope: 'view',
    tag: 'Sessions',
    summary: 'List the uploads of a live session',
    answers: {
      200: { description: 'The files beside the browser, sorted by name.', schema: uploadsAnswer },
    },
    errors: ['session_not_found', 'session_ended', 'session_not_live', 'browser_unreachable'],
  },
  upload: {
    method: 'POST',
    path: '/v1/sessions/{id}/uploads',
    scope: 'sessions',
    tag: 'Sessions',
    summary: 'Put files beside the browser of a live session',
    description:
      'For file inputs of its pages. Either all files of a request are stored or none. Names are made ' +
      'safe, and a name that is taken gets a number: the answer has the names and paths.',
    query: uploadQuery,
    streamedBody: {
      [FORM_TYPE]: z.object({
        file: z
          .array(z.string().meta({ format: 'binary' }))
          .describe(`Up to ${FILES_MAX} files, in parts of any name. Other fields are refused.`),
      }),
      [BYTES_TYPE]: z.string().meta({ format: 'binary' }),
    },
    answers: { 201: { description: 'The files, in their order.', schema: uploadsAnswer } },
    errors: [
      'session_not_found',
      'session_ended',
      'session_not_live',
      'upload_quota_exceeded',
      'browser_unreachable',
      'worker_disk_full',
    ],
  },
  deleteUpload: {
    method: 'DELETE',
    path: '/v1/sessions/{id}/uploads/{name}',
    scope: 'sessions',
    tag: 'Sessions',
    summary: 'Remove an upload of a live session',
    answers: { 204: { description: 'The file is removed.' } },
    errors: [
      'session_not_found',
      'upload_not_found',
      'session_ended',
      'session_not_live',
      'browser_unreachable',
    ],
  },
  getDevToolsVersion: devTools(
    'version',
    'Read the version and the WebSocket URL of the browser',
    devToolsVersion,
  ),
  getDevToolsTargets: devTools(
    'list',
    'List pages and workers, each with its WebSocket URL',
    devToolsTargets,
  ),
  getDevToolsProtocol: devTools('protocol', 'Read the protocol definition of the browser', devToolsProtocol),
} as const satisfies Record<string, Operation>;
