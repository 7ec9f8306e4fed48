import { z } from 'zod';
import { STATUSES } from '../../../machines/session/session.words';
import { screenshotQuery } from '../routes/session-page';
import { sessionAnswer } from './answers';
import type { Operation } from './operation';

/*
 * The page that shows a session to people, and what its script asks for. None of it counts as activity of the session.
 */

const milliseconds = z.int().min(0).nullable();
const [, liveSession, endedSession] = sessionAnswer.options;

/** What `GET /v1/sessions/{id}/view/state` answers. */
const viewerStateAnswer = z.object({
  id: z.string(),
  name: z.string().nullable(),
  status: z.enum(STATUSES),
  endReason: endedSession.shape.endReason.nullable(),
  error: endedSession.shape.error,
  createdAt: liveSession.shape.createdAt,
  endedAt: endedSession.shape.endedAt.nullable(),
  duration: liveSession.shape.duration,
  timeLeft: milliseconds.describe(
    'Milliseconds until `timeout` ends the session. Null: the session is not live.',
  ),
  idleTimeLeft: milliseconds.describe(
    'Milliseconds until `idleTimeout` ends the session if nobody uses it. Null: that does not end it.',
  ),
  queuePosition: z.int().min(1).nullable(),
  pages: z.array(z.object({ id: z.string(), url: z.string(), title: z.string() })),
  pagesKnown: z.boolean().describe('False: the browser did not answer, so `pages` is not known.'),
});

const TOKEN = z.string().optional().describe('The `token` of `viewerUrl`.');
const ERRORS = ['unauthorized', 'session_not_found'] as const;

/** Operations of the page for people, see {@link Operation}. */
export const VIEWER_OPERATIONS = {
  getViewer: {
    method: 'GET',
    path: '/v1/sessions/{id}/view',
    tag: 'Sessions',
    summary: 'Look at a session in a web browser',
    description:
      'The page at `viewerUrl`. It shows a picture of the session, its pages and the time left, and how the ' +
      'session ended. It only shows; looking on does not count as activity. It may be shown in a frame.',
    isOpen: true,
    query: z.object({
      token: TOKEN,
      theme: z.enum(['light', 'dark']).optional().describe('Default: as the reader has set their system.'),
      pageId: screenshotQuery.shape.pageId,
      showControls: z.enum(['true', 'false']).optional().describe('`false`: only the picture.'),
    }),
    answers: { 200: { description: 'HTML.', schema: z.string(), mediaType: 'text/html' } },
    errors: ['unauthorized'],
  },
  getViewerState: {
    method: 'GET',
    path: '/v1/sessions/{id}/view/state',
    tag: 'Sessions',
    summary: 'Read what the viewer shows beside the picture',
    isOpen: true,
    query: z.object({ token: TOKEN }),
    answers: { 200: { description: 'The session, in any status.', schema: viewerStateAnswer } },
    errors: ERRORS,
  },
  getViewerPicture: {
    method: 'GET',
    path: '/v1/sessions/{id}/view/picture',
    tag: 'Sessions',
    summary: 'Take the picture that the viewer shows',
    isOpen: true,
    query: z.object({ token: TOKEN, pageId: screenshotQuery.shape.pageId }),
    answers: {
      200: {
        description: 'The visible part of the page, as JPEG.',
        schema: z.string(),
        mediaType: 'image/jpeg',
      },
    },
    errors: [...ERRORS, 'session_ended', 'session_not_live', 'invalid_request', 'browser_unreachable'],
  },
} as const satisfies Record<string, Operation>;
