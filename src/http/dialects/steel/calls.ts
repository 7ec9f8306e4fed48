import type { DialectCalls } from '../dialect';

/** Steel's REST API, as the SDKs of this system call it. */
export const STEEL_CALLS = {
  create: {
    method: 'POST',
    path: '/v1/sessions',
    call: 'sessions.create()',
    differs: 'Options that the service does not have are ignored.',
  },
  list: { method: 'GET', path: '/v1/sessions', call: 'sessions.list()' },
  releaseAll: { method: 'POST', path: '/v1/sessions/release', call: 'sessions.releaseAll()' },
  retrieve: { method: 'GET', path: '/v1/sessions/{id}', call: 'sessions.retrieve()' },
  release: { method: 'POST', path: '/v1/sessions/{id}/release', call: 'sessions.release()' },
  captchasStatus: {
    method: 'GET',
    path: '/v1/sessions/{id}/captchas/status',
    call: 'sessions.captchas.status()',
    differs: 'The service solves no captchas.',
    isMissing: true,
  },
} as const satisfies DialectCalls;
