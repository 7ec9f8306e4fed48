import { z } from 'zod';
import { CDP_SCOPE } from '../gateway/cdp-access';
import { sessionAnswer } from './answers';
import type { Operation } from './operation';

/** Operations of the way to a session's browser, see {@link Operation}. */
export const CONNECT_OPERATIONS = {
  connect: {
    method: 'GET',
    path: '/v1/sessions/{id}/cdp',
    tag: 'Sessions',
    summary: 'Connect to the browser: a WebSocket with the Chrome DevTools Protocol',
    description:
      'Use `websocketUrl` as it is. A refused upgrade gets an error answer like any other request.',
    isOpen: true,
    scope: CDP_SCOPE,
    query: z.object({ token: z.string().describe('Part of `websocketUrl`.') }),
    answers: { 101: { description: 'The connection is a WebSocket from here on.' } },
    errors: [
      'unauthorized',
      'too_many_failures',
      'forbidden',
      'session_not_found',
      'session_ended',
      'session_not_live',
      'upgrade_required',
      'quota_exceeded',
      'browser_unreachable',
      'redis_unavailable',
      'shutting_down',
    ],
  },
  rotateToken: {
    method: 'POST',
    path: '/v1/sessions/{id}/rotate-token',
    scope: 'sessions',
    tag: 'Sessions',
    summary: 'Give a session another connect token',
    description:
      'The answer has the new `websocketUrl`. The token before is refused everywhere, and the WebSockets that it has ' +
      'opened are closed, within five seconds. `viewerUrl` stays.',
    answers: {
      200: {
        description: 'The session with its new `websocketUrl`.',
        schema: sessionAnswer,
        headers: { ETag: 'The revision of the session, in quotes.' },
      },
    },
    errors: ['session_not_found', 'session_ended'],
  },
} as const satisfies Record<string, Operation>;
