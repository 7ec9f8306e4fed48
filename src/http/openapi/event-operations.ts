import { z } from 'zod';
import { sessionEventsQuery } from '../routes/session-events';
import { sessionEventsAnswer } from './answers';
import { header } from './headers';
import type { AnswerSpec, Operation } from './operation';

/** What both streams have in common: where to go on. */
const RESUMED = {
  headers: z.object({
    'Last-Event-ID': header('The id of the last event received. The stream continues after it.'),
  }),
  query: z.object({
    since: z.string().optional().describe('The same as `Last-Event-ID`. The header takes precedence.'),
  }),
} as const satisfies Partial<Operation>;

const stream = (description: string): AnswerSpec => ({
  description,
  schema: z.string(),
  mediaType: 'text/event-stream',
});
/** The history of a session, and the streams of events. */
export const EVENT_OPERATIONS = {
  listSessionEvents: {
    method: 'GET',
    path: '/v1/sessions/{id}/events',
    scope: 'view',
    tag: 'Events',
    summary: 'Read the history of a session, oldest first',
    query: sessionEventsQuery,
    answers: {
      200: {
        description: 'One page.',
        schema: sessionEventsAnswer,
        headers: { Link: '`rel="next"`: the next page.' },
      },
    },
    errors: ['session_not_found'],
  },
  streamSessionEvents: {
    method: 'GET',
    path: '/v1/sessions/{id}/events/stream',
    scope: 'view',
    tag: 'Events',
    summary: 'Follow a session: its history, then new events, as server-sent events',
    description:
      '`transition`: a line of the history (`SessionEvent`); its id is `seq`. `closed`: the browser ' +
      'is gone, its `contextSave` and `traffic` are known, and the stream ends. `reset`: the history does not continue what you have received; ' +
      'it is sent again from its beginning. A comment is sent every 15 seconds.',
    ...RESUMED,
    answers: {
      200: stream('The stream.'),
      204: {
        description:
          'You have received `closed`: there are no more events. An `EventSource` does not reconnect.',
      },
    },
    errors: ['session_not_found', 'quota_exceeded', 'too_many_streams'],
  },
  streamEvents: {
    method: 'GET',
    path: '/v1/events',
    scope: 'view',
    tag: 'Events',
    summary: 'Follow all sessions and contexts, as server-sent events',
    description:
      '`transition`: a session has changed (`Transition`). `closed`: the browser of an ended ' +
      'session is gone. `context`: a context has changed (`ContextChange`). `reset`: events may have been missed; ' +
      'read the sessions again. The stream ' +
      'begins with the next event, or after `Last-Event-ID`. Every 15 seconds the current id is ' +
      'sent without an event.',
    ...RESUMED,
    answers: { 200: stream('The stream.') },
    errors: ['quota_exceeded', 'too_many_streams'],
  },
} as const satisfies Record<string, Operation>;
